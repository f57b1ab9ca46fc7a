using System.Reflection;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Requests;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Observability;

/// <summary>What nodes carry out is counted, exactly, while somebody measures, and otherwise nothing is there.</summary>
[TestFixture]
public sealed class GraphMeasurementTests : GraphTests
{
    // backend -> raw (+4096) -> throttle -> raw -> memory of blocks
    private const string Chain = "driver=raw,offset=4096,node-name=top,discard=unmap,file.driver=throttle,file.node-name=slow,file.discard=unmap,file.file.driver=raw,file.file.node-name=low,file.file.discard=unmap,"
        + "file.file.file.driver=memory,file.file.file.filename=disk,file.file.file.node-name=disk,file.file.file.discard=unmap,file.file.file.align=512";

    // What requests never ask of an instance: only the control plane does, of the driver's own.
    private static readonly string[] s_controlPlane =
    [
        "GetStrongOptions", "GetDetails", "CommitOpen", "GetChildPermissions", "CheckPermissions", "CommitPermissions", "AbortPermissions", "DrainBegin", "DrainEnd", "DetachContext",
        "AttachContext", "OnChildAttached", "OnChildDetached", "DescribeNewChild", "CheckChildRemoval", "PrepareReopenAsync", "CommitReopen", "AbortReopen", "ChangeBackingFileAsync",
        "DeactivateAsync", "ActivateAsync", "CheckAsync", "GetInformationAsync", "GetAllocatedBytesAsync", "get_Snapshots", "get_Bitmaps", "get_IsZeroWhenNew", "AmendAsync", "ReadVmStateAsync", "WriteVmStateAsync", "TryMakeEmptyAsync", "CloseAsync", "MustFinishBefore", "FinishBeforeAsync",
    ];

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver(), new ThrottleFilterDriver()]);

    [Test]
    public void A_padded_write_is_one_request_of_the_backend_and_two_of_each_node_below_the_padding() => Fixture.Run(async () =>
    {
        // backend -> raw -> memory of 512-byte blocks
        BlockBackend backend = await Fixture.OpenAsync("driver=raw,node-name=top,file.driver=memory,file.filename=disk,file.node-name=disk,file.align=512");
        await using GraphMeasurement measurement = await Fixture.Graph.MeasureAsync();
        await backend.WriteAsync(100, new byte[100]);
        Assert.That(MeasureText.Nodes(measurement), Is.EqualTo(new[] { "disk: Read 1x512, Write 1x512", "top: Read 1x512, Write 1x512" }), "nodes");
        Assert.That(MeasureText.Edges(measurement), Is.EqualTo(new[] { "an unnamed block device -root-> top: Read 1x512, Write 1x512", "node 'top' -file-> disk: Read 1x512, Write 1x512" }), "edges");
        Assert.That(backend.GetCounters(RequestKind.Write).OperationCount, Is.EqualTo(1), "what was asked for");
    });

    [Test]
    public void Requests_that_are_split_padded_zeroed_discarded_flushed_and_that_fail_are_counted_as_they_were_carried_out() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync(Chain);
        await using GraphMeasurement measurement = await Fixture.Graph.MeasureAsync();
        MemoryStorage disk = Fixture.Memory.Storage("disk");
        int before = disk.Log.Count;
        await LoadAsync(backend);
        disk.FailWith(RequestKind.Read, BlockErrorKind.InputOutput);
        await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[512]));
        AssertLedger(measurement, "disk", disk, before, failedReads: 1);
        Assert.That(MeasureText.Of(measurement, "disk", RequestKind.WriteZeroes), Is.Null, "zero writes that the storage cannot do are no operations; the buffers instead are");
    });

    [Test]
    public void Counts_are_the_same_with_plans_on_and_off()
    {
        List<string[]> counts = [];
        foreach (bool usesPlans in new[] { true, false })
        {
            using GraphFixture fixture = new(drivers: [new RawDriver(), new ThrottleFilterDriver()], graphOptions: new NodeGraphOptions { UsesPlans = usesPlans });
            fixture.Run(async () =>
            {
                BlockBackend backend = await fixture.OpenAsync(Chain);
                Assert.That(backend.RootEdge!.Plan().Target.Name, Is.EqualTo(usesPlans ? "disk" : "top"), "plans are what they are without measuring");
                await using GraphMeasurement measurement = await fixture.Graph.MeasureAsync();
                await LoadAsync(backend);
                counts.Add([.. MeasureText.Nodes(measurement), .. MeasureText.Edges(measurement)]);
            });
        }

        Assert.That(counts[0], Is.EqualTo(counts[1]), "every node and edge");
        Assert.That(counts[0], Has.None.Contains("nothing"), "the idle layers, too");
    }

    [Test]
    public void A_filter_is_as_transparent_as_without_measuring() => Fixture.Run(async () =>
    {
        // backend -> throttle -> memory: the request that waits at the throttle is tracked by the storage alone, measured or not.
        BlockBackend backend = await Fixture.OpenAsync("driver=throttle,node-name=slow,limits.iops-total=1000000,file.driver=memory,file.filename=disk,file.align=512");
        bool isTransparent = backend.RootEdge!.Plan().IsTransparent;
        await using GraphMeasurement measurement = await Fixture.Graph.MeasureAsync();
        Assert.That(isTransparent, Is.True, "before");
        Assert.That(backend.RootEdge.Plan().IsTransparent, Is.True, "measured");
    });

    [Test]
    public void Without_measuring_nothing_is_left_of_it() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=disk");
        RequestPlan before = backend.RootEdge!.Plan();
        GraphMeasurement one = await Fixture.Graph.MeasureAsync();
        GraphMeasurement two = await Fixture.Graph.MeasureAsync();
        await backend.ReadAsync(0, new byte[1]);
        await one.DisposeAsync();
        await one.DisposeAsync();
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(MeasureText.Nodes(two), Is.EqualTo(new[] { "disk: Read 2x2" }), "one goes on as long as somebody measures");
        await two.DisposeAsync();
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(backend.RootEdge.Plan().Instance, Is.SameAs(backend.Root!.Instance), "the driver's own instance is called");
        Assert.That(before.Instance, Is.SameAs(backend.Root.Instance), "as it was before");
        Assert.That(backend.Root.Meter, Is.Null, "no meter at the node");
        Assert.That(backend.RootEdge.Meter, Is.Null, "nor at the edge");
        await using GraphMeasurement three = await Fixture.Graph.MeasureAsync();
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(MeasureText.Nodes(three), Is.EqualTo(new[] { "disk: Read 1x1" }), "counts begin anew");
    });

    [Test]
    public void Requests_in_flight_are_the_queue_depth_and_take_their_time() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,node-name=top,file.driver=scripted,file.node-name=disk");
        await using GraphMeasurement measurement = await Fixture.Graph.MeasureAsync();
        Task one = backend.ReadAsync(0, new byte[10]).AsTask();
        Task two = backend.WriteAsync(0, new byte[20]).AsTask();
        Assert.That(MeasureText.Nodes(measurement), Is.EqualTo(new[] { "disk: nothing, 2 in flight", "top: nothing, 2 in flight" }), "under way");
        await Fixture.Context.DelayAsync(1000);
        Fixture.Scripted.Pending[0].Succeed();
        await one;
        await Fixture.Context.DelayAsync(500);
        Fixture.Scripted.Pending[0].FailWith(BlockErrorKind.NoSpace);
        await Failure.OfAsync(() => two);
        Assert.That(MeasureText.Nodes(measurement), Is.EqualTo(new[] { "disk: Read 1x10, Write 1x0 (1 failed)", "top: Read 1x10, Write 1x0 (1 failed)" }), "over");
        Assert.That(MeasureText.Of(measurement, "disk", RequestKind.Read)!.Latencies.MaxNs, Is.EqualTo(1000), "the read's time");
        Assert.That(MeasureText.Of(measurement, "top", RequestKind.Write)!.Counters.TotalNs, Is.EqualTo(1500), "the write's time");
    });

    [Test]
    public void Nodes_come_into_the_count_and_go_out_of_it_during_a_load() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,node-name=top,file.driver=memory,file.filename=disk,file.node-name=disk");
        await using GraphMeasurement measurement = await Fixture.Graph.MeasureAsync();
        await backend.ReadAsync(0, new byte[1]);
        await Fixture.Graph.ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=pass-through,node-name=new"), backend.Root!));
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(MeasureText.Nodes(measurement), Is.EqualTo(new[] { "disk: Read 2x2", "new: Read 1x1", "top: Read 2x2" }), "one comes");
        Assert.That(MeasureText.Edges(measurement), Does.Contain("an unnamed block device -root-> new: Read 1x1"), "the edge leads elsewhere, and begins anew");
        await Fixture.Graph.ApplyAsync(GraphEdit.DropFilter(backend.Root!));
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(MeasureText.Nodes(measurement), Is.EqualTo(new[] { "disk: Read 3x3", "top: Read 3x3" }), "it goes");
        Assert.That(MeasureText.Edges(measurement), Does.Contain("an unnamed block device -root-> top: Read 1x1"), "the edge is back, and knows no more of before");
    });

    [Test]
    public void Whoever_measures_while_requests_fly_from_several_contexts_sees_each_once_or_not_at_all()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, [new RawDriver(), new ThrottleFilterDriver()], new NodeGraphOptions { UsesPlans = seed % 2 == 0 });
            string[] counted = [];
            long logged = 0;
            fixture.Run(async () =>
            {
                BlockBackend backend = await fixture.OpenAsync(
                    "driver=throttle,node-name=top,limits.iops-total=20000,file.driver=raw,file.node-name=mid,file.file.driver=memory,file.file.filename=disk,file.file.node-name=disk,file.file.align=512,file.file.latency-ns-max=100000");
                await backend.AddSubmitterAsync(fixture.ContextOf("other"));
                MemoryStorage disk = fixture.Memory.Storage("disk");
                Task[] load = [LoadFromAsync(fixture, fixture.Context, backend), LoadFromAsync(fixture, fixture.ContextOf("other"), backend)];
                await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(1_000_000));

                // What lands from the moment of switching on must be seen: by a new epoch alone, what flies then would land unseen.
                GraphMeasurement measurement = await fixture.Graph.MeasureAsync(_ => logged = disk.Log.Count);
                await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(1_000_000));
                await using (await fixture.Graph.DrainAllAsync())
                {
                    logged = disk.Log.Count - logged;
                    counted = [.. MeasureText.Nodes(measurement)];
                    await measurement.DisposeAsync();
                }

                await Task.WhenAll(load);
                Assert.That(backend.Root!.Meter, Is.Null, $"seed {seed}: nothing is left");
            });
            long sum = counted.Where(c => c.StartsWith("disk:", StringComparison.Ordinal)).SelectMany(c => System.Text.RegularExpressions.Regex.Matches(c, @"(\d+)x")).Sum(m => long.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
            Assert.That(sum, Is.EqualTo(logged), $"seed {seed}: what reached the storage meanwhile: {string.Join("; ", counted)}");
            Assert.That(counted, Has.None.Contains("in flight"), $"seed {seed}: a drained graph has nothing in flight");
        }
    }

    [Test]
    public void What_requests_ask_of_an_instance_is_answered_by_the_drivers_own()
    {
        IEnumerable<string> unanswered = typeof(BlockDriverInstance).GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(m => m.IsVirtual && m.DeclaringType == typeof(BlockDriverInstance) && !s_controlPlane.Contains(m.Name))
            .Where(m => typeof(MeteredInstance).GetMethod(m.Name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, [.. m.GetParameters().Select(p => p.ParameterType)])!.DeclaringType != typeof(MeteredInstance))
            .Select(m => m.Name);
        Assert.That(unanswered, Is.Empty, "MeteredInstance stands before the driver in every plan: it hands these on, or they are the control plane's and stand in the list above");
    }

    // Once through everything that the core does to requests.
    private static async Task LoadAsync(BlockBackend backend)
    {
        await backend.ReadAsync(512, new byte[1024]);
        await backend.ReadAsync(3, new byte[700]);
        await backend.WriteAsync(5, new byte[2000]);
        await backend.WriteAsync(1024, new byte[512], RequestFlags.Fua);
        await backend.WriteZeroesAsync(100, 5000);
        await backend.DiscardAsync(1000, 9000);
        await backend.FlushAsync();
    }

    private static Task LoadFromAsync(GraphFixture fixture, AioContext home, BlockBackend backend) => home.RunAsync(async () =>
    {
        List<Task> flying = [];
        for (int i = 0; i < 60; i++)
        {
            int offset = fixture.World.Chance.Next(5000);
            flying.Add(fixture.World.Chance.Next(4) switch
            {
                0 => backend.ReadAsync(offset, new byte[600]).AsTask(),
                1 => backend.WriteAsync(offset, new byte[300]).AsTask(),
                2 => backend.WriteZeroesAsync(offset, 1000).AsTask(),
                _ => backend.FlushAsync().AsTask(),
            });
            await home.DelayAsync(fixture.World.Chance.NextLong(40_000));
        }

        await Task.WhenAll(flying);
    });

    // The storage logs what fails, too.
    private static void AssertLedger(GraphMeasurement measurement, string node, MemoryStorage storage, int before, int failedReads)
    {
        Assert.Multiple(() =>
        {
            foreach (RequestKind kind in Enum.GetValues<RequestKind>().Where(k => k != RequestKind.WriteZeroes))
            {
                MemoryRequest[] done = [.. storage.Log.Skip(before).Where(r => r.Kind == kind)];
                OperationMeasures counted = MeasureText.Of(measurement, node, kind)!;
                int failed = kind == RequestKind.Read ? failedReads : 0;
                Assert.That(counted.Counters.OperationCount, Is.EqualTo(done.Length), $"{kind}: how many");
                Assert.That(counted.Counters.ByteCount, Is.EqualTo(done.SkipLast(failed).Sum(r => r.LengthBytes)), $"{kind}: bytes");
                Assert.That(counted.Counters.FailedCount, Is.EqualTo(failed), $"{kind}: failures");
                Assert.That(counted.Latencies.Count, Is.EqualTo(done.Length), $"{kind}: latencies");
            }
        });
    }
}
