using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>One backend, requests from several contexts: each is made once, where it belongs, in the order of its context.</summary>
[TestFixture]
public sealed class BackendSubmitterTests
{
    private const int RegionBytes = 256;

    [TestCase("any-context=on", "one", Description = "the driver takes them as they come")]
    [TestCase("any-context=off", "main", Description = "the driver is called at home")]
    public void A_submitters_requests_go_down_where_the_driver_takes_them(string affinity, string expected)
    {
        SharedProtocol shared = new();
        using GraphFixture fixture = new(drivers: [shared]);
        fixture.Run(async () =>
        {
            VirtualTimeAioContext one = fixture.World.CreateContext("one");
            await using BlockBackend backend = await fixture.OpenAsync("driver=shared,zeroes=on," + affinity);
            await one.RunAsync(() => RequestAsync(backend, one));
            Assert.That(shared.Log.Select(c => c.Context), Has.All.EqualTo("main"), "a context that does not submit goes by the home");
            await backend.AddSubmitterAsync(one);
            await backend.AddSubmitterAsync(one);
            Assert.That(backend.Submitters, Is.EqualTo(new AioContext[] { fixture.Context, one }), "once");
            int before = shared.Log.Count;
            await one.RunAsync(() => RequestAsync(backend, one));
            Assert.That(shared.Log.Skip(before).Select(c => (c.Kind, c.Context)), Is.EqualTo(new[] { RequestKind.Read, RequestKind.Write, RequestKind.WriteZeroes, RequestKind.Flush }.Select(k => (k, expected))), "one that does");
        });
    }

    [Test]
    public void A_flush_from_a_submitter_is_carried_out_at_home_below_a_layer_that_would_take_it_anywhere()
    {
        // backend -> raw (anywhere, and not passed by) -> shared (at home)
        SharedProtocol shared = new();
        using GraphFixture fixture = new(drivers: [shared, new RawDriver()]);
        fixture.Run(async () =>
        {
            VirtualTimeAioContext one = fixture.World.CreateContext("one");
            await using BlockBackend backend = await fixture.OpenAsync("driver=raw,detect-zeroes=on,file.driver=shared,file.any-context=off");
            await backend.AddSubmitterAsync(one);
            await one.RunAsync(async () => await backend.WriteAsync(0, new byte[] { 1 }));
            await one.RunAsync(async () => await backend.FlushAsync());
            Assert.That(shared.Log.Select(c => (c.Kind, c.Context)), Is.EqualTo(new[] { (RequestKind.Write, "main"), (RequestKind.Flush, "main") }), "one flush, at home");
        });
    }

    [Test]
    public void A_drain_holds_back_and_waits_for_every_submitter() => Run([], async fixture =>
    {
        VirtualTimeAioContext one = fixture.World.CreateContext("one");
        BlockBackend backend = await fixture.OpenAsync("driver=scripted");
        await backend.AddSubmitterAsync(one);
        Task flying = one.RunAsync(async () => await backend.ReadAsync(0, new byte[1]));
        await SettleAsync(fixture);
        Task<DrainScope> drain = backend.DrainAsync().AsTask();
        Task held = one.RunAsync(async () => await backend.ReadAsync(1, new byte[1]));
        await SettleAsync(fixture);
        Assert.That((drain.IsCompleted, fixture.Scripted.Pending.Count, backend.InFlightCount), Is.EqualTo((false, 1, 1)), "the first is waited for, the second held back");
        fixture.Scripted.Pending.Single().Succeed();
        await using (await drain)
        {
            await flying;
            await SettleAsync(fixture);
            Assert.That(held.IsCompleted, Is.False, "until the end");
        }

        await SettleAsync(fixture);
        fixture.Scripted.Pending.Single().Succeed();
        await held;
        await backend.DisposeAsync();
    });

    [Test]
    public void What_is_put_in_later_takes_requests_of_every_submitter() => Run([new RawDriver(), new SharedProtocol()], async fixture =>
    {
        VirtualTimeAioContext one = fixture.World.CreateContext("one");
        BlockNode node = await fixture.AddAsync("driver=raw,node-name=n,file.driver=shared,file.zeroes=on");
        await using BlockBackend backend = await fixture.Graph.CreateBackendAsync();
        await backend.AddSubmitterAsync(one);
        await backend.InsertAsync(node);
        await Task.WhenAll(RequestAsync(backend, fixture.Context), one.RunAsync(() => RequestAsync(backend, one)));
        Assert.That(Enum.GetValues<RequestKind>().Where(k => k != RequestKind.Discard).Select(k => backend.GetCounters(k).OperationCount), Has.All.EqualTo(2), "both");
    });

    [Test]
    public void A_submitter_that_leaves_goes_by_the_home_again_and_may_end() => Run([new SharedProtocol()], async fixture =>
    {
        VirtualTimeAioContext one = fixture.World.CreateContext("one");
        await using BlockBackend backend = await fixture.OpenAsync("driver=shared,zeroes=on");
        await using BlockBackend empty = await fixture.Graph.CreateBackendAsync();
        foreach (BlockBackend each in new[] { backend, empty })
        {
            await each.AddSubmitterAsync(one);
            await one.RunAsync(async () => await Failure.OfRequestAsync(() => each.ReadAsync(-1, new byte[1])));
            await each.RemoveSubmitterAsync(one);
            await each.RemoveSubmitterAsync(one);
            Assert.That(each.Submitters, Is.EqualTo(new[] { fixture.Context }), "the home is left");
            Assert.That(each.GetCounters(RequestKind.Read).InvalidCount, Is.EqualTo(1), "what it did is still counted");
            BlockException refusal = await Failure.OfAsync(() => each.RemoveSubmitterAsync(fixture.Context));
            Assert.That(refusal.Message, Is.EqualTo("Context 'main' is the home of an unnamed block device"), "which stays");
        }

        await one.RunAsync(() => RequestAsync(backend, one));
        Task held;
        await using (await backend.DrainAsync())
        {
            await backend.AddSubmitterAsync(one);
            held = one.RunAsync(() => RequestAsync(backend, one));
            await SettleAsync(fixture);
            await backend.RemoveSubmitterAsync(one);
        }

        await held;
    });

    [Test]
    public void No_request_is_lost_made_twice_or_overtaken_while_everything_moves([Range(0, 39)] int seed)
    {
        SharedProtocol shared = new(new SeededRandom((ulong)seed));
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, [shared, new RawDriver()]);
        fixture.Run(async () =>
        {
            SeededRandom chance = fixture.World.Chance;
            AioContext[] contexts = [fixture.Context, fixture.World.CreateContext("one"), fixture.World.CreateContext("two"), fixture.World.CreateContext("three")];
            BlockBackend backend = await fixture.OpenAsync($"driver=raw,file.driver=shared,file.any-context={(seed % 2 == 0 ? "on" : "off")}");
            backend.SetLatencyBoundaries(RequestKind.Write, 1, 1_000_000);
            Task[] workers = [.. contexts.Select((context, i) => context.RunAsync(() => WorkAsync(backend, context, i * RegionBytes)))];
            for (int i = 0; i < 12; i++)
            {
                await fixture.Context.DelayAsync(chance.NextLong(20_000));
                AioContext context = contexts[chance.Next(contexts.Length)];
                switch (chance.Next(5))
                {
                    case 0:
                        await backend.AddSubmitterAsync(context);
                        break;
                    case 4 when backend.Context != context:
                        await backend.RemoveSubmitterAsync(context);
                        break;
                    case 1:
                        await (await backend.DrainAsync()).DisposeAsync();
                        break;
                    default:
                        await backend.MoveAsync(context);
                        break;
                }
            }

            await Task.WhenAll(workers);
            Check(backend, shared, contexts.Length);
            await backend.DisposeAsync();
        });
    }

    [Test]
    public async Task Nor_on_threads()
    {
        using MainLoop loop = MainLoop.Start();
        using IoThread one = new("one");
        using IoThread two = new("two");
        SharedProtocol shared = new();
        NodeGraph graph = new(loop, [shared, new RawDriver()]);
        AioContext[] contexts = [loop.Context, one.Context, two.Context];
        BlockBackend backend = await graph.OpenAsync(GraphFixture.Options("driver=raw,file.driver=shared"));
        backend.SetLatencyBoundaries(RequestKind.Write, 1, 1_000_000);
        Task work = Task.WhenAll(contexts.Select((context, i) => context.RunAsync(() => WorkAsync(backend, context, i * RegionBytes))));
        for (int i = 0; !work.IsCompleted; i++)
        {
            await backend.AddSubmitterAsync(contexts[(i + 1) % contexts.Length]);
            await backend.MoveAsync(contexts[i % contexts.Length]);
            await (await backend.DrainAsync()).DisposeAsync();
        }

        await work;
        await backend.MoveAsync(loop.Context);
        Check(backend, shared, contexts.Length);
        await graph.DisposeAsync();
    }

    // One byte at a time, in two streams that do not wait for one another: odd and even places of the region.
    private static Task WorkAsync(BlockBackend backend, AioContext context, int start)
    {
        return Task.WhenAll(WriteAsync(0), WriteAsync(1));

        async Task WriteAsync(int first)
        {
            for (int at = first; at < RegionBytes; at += 2)
            {
                byte[] value = [(byte)(1 + (at % 255))];
                await backend.WriteAsync(start + at, value);
                Assert.That(context.IsHome, Is.True, "where it was made");
                byte[] read = new byte[1];
                await backend.ReadAsync(start + at, read);
                Assert.That(read, Is.EqualTo(value), "what was just written");
            }
        }
    }

    private static void Check(BlockBackend backend, SharedProtocol shared, int workerCount)
    {
        long[] writes = [.. shared.Log.Where(c => c.Kind == RequestKind.Write).Select(c => c.Offset)];
        Assert.That(writes.Order(), Is.EqualTo(Enumerable.Range(0, workerCount * RegionBytes)), "each write once");
        foreach (IGrouping<(long, long), long> stream in writes.GroupBy(at => (at / RegionBytes, at % 2)))
        {
            Assert.That(stream, Is.Ordered, "in the order of its stream");
        }

        Assert.That(shared.Bytes.Take(workerCount * RegionBytes).Select((b, at) => b == 1 + (at % RegionBytes % 255)), Has.All.True, "every byte");
        Assert.That((backend.GetCounters(RequestKind.Write).OperationCount, backend.GetCounters(RequestKind.Read).OperationCount), Is.EqualTo((writes.Length, writes.Length)), "each counted once");
        Assert.That(backend.GetLatencyBins(RequestKind.Write)!.Counts.Sum(), Is.EqualTo(writes.Length), "in the bins as well");
        Assert.That((backend.InFlightCount, backend.QuiesceCount), Is.EqualTo((0, 0)), "nothing is left");
    }

    private static async Task RequestAsync(BlockBackend backend, AioContext context)
    {
        await backend.ReadAsync(0, new byte[1]);
        await backend.WriteAsync(0, new byte[1]);
        await backend.WriteZeroesAsync(0, 1);
        await backend.FlushAsync();
        await backend.GetStatusAsync(0, 1);
        Assert.That(context.IsHome, Is.True, "where they were made");
    }

    private static void Run(BlockDriver[] drivers, Func<GraphFixture, Task> body)
    {
        using GraphFixture fixture = new(drivers: drivers);
        fixture.Run(() => body(fixture));
    }

    private static async Task SettleAsync(GraphFixture fixture)
    {
        for (int i = 0; i < 50; i++)
        {
            await fixture.Context.YieldAsync();
        }
    }
}
