using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>Where a request is counted and carried out, wherever it comes from, and whatever moves meanwhile.</summary>
[TestFixture]
public sealed class BackendLaneTests : BackendTests
{
    protected override GraphFixture CreateFixture() => new(drivers: [new NullCoDriver()]);

    [Test]
    public void A_call_from_another_context_hops_there_and_back_and_no_more() => Fixture.Run(async () =>
    {
        VirtualTimeAioContext other = CreateContext("other");
        BlockBackend backend = await Fixture.OpenAsync("driver=null-co");
        await SettleAsync();
        await other.RunAsync(async () =>
        {
            long[] steps =
            [
                await StepsAsync(() => backend.ReadAsync(0, new byte[1])),
                await StepsAsync(() => backend.WriteZeroesAsync(0, 1)),
                await StepsAsync(() => backend.FlushAsync()),
                await StepsAsync(async () => await backend.GetStatusAsync(0, 1)),
                await StepsAsync(async () => await Fixture.Context.RunAsync(() => Task.FromResult(1))),
            ];
            Assert.That(steps, Is.EqualTo(new long[] { 3, 3, 3, 2, 2 }), "a read, zeroes, a flush, each with the step that the storage takes; a status query, a call");
        });
    });

    [Test]
    public void Whatever_was_held_while_its_backend_moved_goes_on_at_the_new_home() => Fixture.Run(async () =>
    {
        VirtualTimeAioContext other = CreateContext("other");
        BlockBackend backend = await OpenMemoryAsync(new BackendOptions { CanResize = true });
        Task[] held;
        await using (await backend.DrainAsync())
        {
            held =
            [
                backend.ReadAsync(0, new byte[1]).AsTask(),
                backend.WriteAsync(0, new byte[1]).AsTask(),
                backend.WriteZeroesAsync(1, 1).AsTask(),
                backend.DiscardAsync(2, 1).AsTask(),
                backend.FlushAsync().AsTask(),
                backend.GetStatusAsync(0, 1).AsTask(),
                backend.TruncateAsync(1 << 19),
            ];
            await backend.MoveAsync(other);
            await SettleAsync();
            Assert.That(held.Select(t => t.IsCompleted), Has.All.False, "held at the new home as well");
        }

        await Task.WhenAll(held);
        Assert.That(backend.Context, Is.SameAs(other), "it has moved");
        Assert.That(backend.InFlightCount, Is.Zero, "each was counted in and out");
        Assert.That(Enum.GetValues<RequestKind>().Select(kind => backend.GetCounters(kind).OperationCount), Has.All.EqualTo(1), "once each");
        Assert.That(backend.LengthBytes, Is.EqualTo(1 << 19), "the length has changed");
    });

    [Test]
    public async Task Requests_from_many_foreign_threads_are_counted_exactly()
    {
        const int ThreadCount = 4;
        const int RoundCount = 3000;
        using MainLoop loop = MainLoop.Start();
        await using NodeGraph graph = new(loop, [new NullCoDriver()]);
        await using BlockBackend backend = await graph.OpenAsync(GraphFixture.Options("driver=null-co"));
        await Task.WhenAll(Enumerable.Range(0, ThreadCount).Select(_ => Task.Run(async () =>
        {
            for (int round = 0; round < RoundCount; round++)
            {
                await backend.FlushAsync();
                await backend.WriteZeroesAsync(0, 1);
                await backend.GetStatusAsync(0, 1);
            }
        })));
        Assert.That(backend.InFlightCount, Is.Zero, "as many ended as began");
        Assert.That(backend.GetCounters(RequestKind.Flush).OperationCount, Is.EqualTo(ThreadCount * RoundCount), "flushes");
        Assert.That(backend.GetCounters(RequestKind.WriteZeroes).OperationCount, Is.EqualTo(ThreadCount * RoundCount), "zeroes");
    }

    private async Task<long> StepsAsync(Func<ValueTask> call)
    {
        long before = Fixture.World.StepCount;
        await call();
        return Fixture.World.StepCount - before;
    }
}
