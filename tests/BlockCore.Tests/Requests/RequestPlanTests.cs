using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Requests;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>Layers without work are skipped, until they have some; observers miss nothing.</summary>
[TestFixture]
public sealed class RequestPlanTests : GraphTests
{
    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver()]);

    [Test]
    public void A_chain_of_idle_layers_is_one_step_to_its_end() => Fixture.Run(async () =>
    {
        // raw (+512) -> switch-filter -> raw (+1024) -> memory
        BlockBackend backend = await Fixture.OpenAsync("driver=raw,offset=512,file.driver=switch-filter,file.file.driver=raw,file.file.offset=1024,file.file.file.driver=memory,file.file.file.filename=disk,file.file.file.node-name=disk");
        RequestPlan plan = backend.RootEdge!.Plan();
        Assert.That(plan.Target.Name, Is.EqualTo("disk"), "the target");
        Assert.That(plan.ShiftBytes, Is.EqualTo(1536), "the shift");
        Assert.That(backend.RootEdge.Plan(), Is.SameAs(plan), "kept while nothing changes");
        await backend.WriteAsync(3, new byte[] { 42 });
        Assert.That(Fixture.Memory.Storage("disk").Bytes[1539], Is.EqualTo(42), "the byte's place");
        Fixture.Switches.Opened[0].SwitchTo(true);
        Assert.That(backend.RootEdge.Plan().Target.Driver.Name, Is.EqualTo("switch-filter"), "the filter has work now");
        Assert.That(backend.RootEdge.Plan().ShiftBytes, Is.EqualTo(512), "what lies above it");
        await backend.WriteAsync(4, new byte[] { 43 });
        Assert.That(Fixture.Memory.Storage("disk").Bytes[1540], Is.EqualTo(43), "the same place");
        Assert.That(Fixture.Switches.Opened[0].SeenCount, Is.EqualTo(1), "seen");
    });

    [Test]
    public void Without_plans_every_layer_is_visited()
    {
        using GraphFixture fixture = new(graphOptions: new NodeGraphOptions { UsesPlans = false });
        fixture.Run(async () =>
        {
            BlockBackend backend = await fixture.OpenAsync("driver=switch-filter,file.driver=memory,file.filename=disk");
            await backend.WriteAsync(0, new byte[1]);
            Assert.That(fixture.Switches.Opened[0].SeenCount, Is.EqualTo(1), "though it is idle");
        });
    }

    [Test]
    public void A_filter_that_gets_work_while_requests_fly_is_obeyed_by_the_next()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
            fixture.Run(async () =>
            {
                BlockBackend backend = await fixture.OpenAsync("driver=switch-filter,file.driver=switch-filter,file.file.driver=memory,file.file.filename=disk,file.file.latency-ns-max=100000");
                SwitchFilter filter = fixture.Switches.Opened[fixture.World.Chance.Next(2)];
                List<Task> flying = [];
                int expected = 0;
                for (int i = 0; i < 60; i++)
                {
                    if (fixture.World.Chance.OneIn(5))
                    {
                        filter.SwitchTo(!filter.IsBusy);
                    }

                    flying.Add(backend.WriteAsync(i * 16, new byte[16]).AsTask());
                    expected += filter.IsBusy ? 1 : 0;
                    await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(5000));
                }

                await Task.WhenAll(flying);
                Assert.That(filter.SeenCount, Is.EqualTo(expected), $"seed {seed}: each request obeyed what held when it was submitted");
            });
        }
    }

    [Test]
    public void Under_a_drain_no_write_goes_unseen()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
            CountingObserver observer = new();
            int landedBefore = -1;
            int writeCount = 0;
            fixture.Run(async () =>
            {
                BlockBackend backend = await fixture.OpenAsync("driver=switch-filter,node-name=top,file.driver=memory,file.filename=disk,file.latency-ns-max=100000");
                BlockNode observed = fixture.World.Chance.OneIn(2) ? backend.Root! : backend.Root!.FileChild!.Node;
                List<Task> flying = [];
                Task observing = Task.CompletedTask;
                int at = fixture.World.Chance.Next(30);
                observer.OnFirst = () => landedBefore = fixture.Memory.Storage("disk").Log.Count;
                for (int i = 0; i < 40; i++)
                {
                    flying.Add(backend.WriteAsync(i * 16, new byte[16]).AsTask());
                    if (i == at)
                    {
                        observing = fixture.Graph.ObserveAsync(observed, observer);
                    }

                    await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(5000));
                }

                await observing;
                await Task.WhenAll(flying);
                writeCount = fixture.Memory.Storage("disk").Log.Count;
            });
            Assert.That(observer.Counts[(int)RequestKind.Write], Is.EqualTo(writeCount - landedBefore + 1), $"seed {seed}: everything that landed from the first one seen on was seen");
        }
    }

    [Test]
    public void An_observer_hears_of_every_kind_and_of_failures_until_it_is_taken_away() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,discard=unmap,file.driver=memory,file.filename=disk,file.node-name=disk");
        CountingObserver observer = new();
        BlockNode disk = Fixture.Graph.FindNode("disk")!;
        await Fixture.Graph.ObserveAsync(disk, observer);
        await backend.ReadAsync(0, new byte[1]);
        await backend.WriteAsync(0, new byte[1]);
        await backend.WriteZeroesAsync(0, 1);
        await backend.DiscardAsync(0, 1);
        await backend.FlushAsync();
        await backend.WriteAsync(0, new byte[1]);
        Fixture.Memory.Storage("disk").FailWith(RequestKind.Flush, BlockErrorKind.InputOutput);
        await Failure.OfRequestAsync(() => backend.FlushAsync());
        Assert.That(observer.Counts, Is.EqualTo(new[] { 1, 2, 1, 1, 2 }), "read, write, zeroes, discard, flush");
        Assert.That(observer.FailedCount, Is.EqualTo(1), "the failure");
        Fixture.Memory.Storage("disk").FailWith(RequestKind.Flush, null);
        await Fixture.Graph.ObserveAsync(disk, null);
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(observer.Counts[0], Is.EqualTo(1), "no more");
    });

    private sealed class CountingObserver : INodeObserver
    {
        public int[] Counts { get; } = new int[5];

        public int FailedCount { get; private set; }

        public Action? OnFirst { get; set; }

        public void OnRequestDone(RequestKind kind, long lengthBytes, long startNs, long endNs, bool isSuccess)
        {
            OnFirst?.Invoke();
            OnFirst = null;
            Counts[(int)kind]++;
            FailedCount += isSuccess ? 0 : 1;
        }
    }
}
