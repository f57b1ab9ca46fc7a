using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>A serialising request and those that overlap it go one after the other.</summary>
[TestFixture]
public sealed class SerialisingTests : GraphTests
{
    [Test]
    public void A_serialising_write_waits_for_what_overlaps_it_and_holds_back_what_comes() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=scripted");
        Task first = backend.WriteAsync(0, new byte[100]).AsTask();
        Task serialising = backend.WriteAsync(50, new byte[100], RequestFlags.Serialising).AsTask();
        Task apart = backend.WriteAsync(500, new byte[100]).AsTask();
        await SettleAsync();
        Assert.That(PendingOffsets(), Is.EqualTo(new[] { 0L, 500 }), "it waits; what does not overlap does not");
        Fixture.Scripted.Pending[0].Succeed();
        await SettleAsync();
        Assert.That(PendingOffsets(), Is.EqualTo(new[] { 500L, 50 }), "its turn");
        Task reader = backend.ReadAsync(149, new byte[1]).AsTask();
        Task neighbour = backend.ReadAsync(150, new byte[1]).AsTask();
        await SettleAsync();
        Assert.That(PendingOffsets(), Is.EqualTo(new[] { 500L, 50, 150 }), "the overlapping read is held back, its neighbour is not");
        Fixture.Scripted.Pending[1].Succeed();
        await SettleAsync();
        Assert.That(PendingOffsets(), Is.EqualTo(new[] { 500L, 150, 149 }), "then it goes");
        await FinishAsync(first, serialising, apart, reader, neighbour);
    });

    [Test]
    public void Plain_overlapping_writes_do_not_wait() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=scripted");
        Task first = backend.WriteAsync(0, new byte[100]).AsTask();
        Task second = backend.WriteAsync(0, new byte[100]).AsTask();
        Assert.That(Fixture.Scripted.Pending, Has.Count.EqualTo(2), "both fly");
        await FinishAsync(first, second);
    });

    [Test]
    public void Who_does_not_want_to_wait_is_told() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=scripted");
        Task first = backend.WriteAsync(0, new byte[100]).AsTask();
        BlockException error = await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[10], RequestFlags.Serialising | RequestFlags.NoWait));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.Busy, "An overlapping request is in flight")), "at once");
        Assert.That(backend.InFlightCount, Is.EqualTo(1), "only the first is left");
        await FinishAsync(first);
        Task alone = backend.WriteAsync(0, new byte[10], RequestFlags.Serialising | RequestFlags.NoWait).AsTask();
        await FinishAsync(alone);
    });

    [Test]
    public void A_failed_serialising_request_lets_the_others_go_on() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=scripted");
        Task serialising = backend.WriteAsync(0, new byte[100], RequestFlags.Serialising).AsTask();
        Task waiting = backend.ReadAsync(0, new byte[1]).AsTask();
        await SettleAsync();
        PendingRequest pending = Fixture.Scripted.Pending.Single();
        pending.FailNow(new BlockException(BlockErrorKind.InputOutput, "on purpose"));
        Assert.That((await Failure.OfAsync(() => serialising)).Message, Is.EqualTo("on purpose"), "it failed");
        await SettleAsync();
        await FinishAsync(waiting);
    });

    [Test]
    public void Many_unaligned_writers_of_one_block_all_keep_their_bytes() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,align=512,latency-ns-max=1000");
        Task[] writers = [.. Enumerable.Range(0, 64).Select(i => backend.WriteAsync(i * 8, Enumerable.Repeat((byte)(i + 1), 8).ToArray()).AsTask())];
        await Task.WhenAll(writers);
        byte[] expected = [.. Enumerable.Range(0, 512).Select(i => (byte)((i / 8) + 1))];
        Assert.That(Fixture.Memory.Storage("disk").Bytes.AsSpan(0, 512).ToArray(), Is.EqualTo(expected), "each its own");
    });

    private long[] PendingOffsets() => [.. Fixture.Scripted.Pending.Select(p => p.Offset)];

    private async Task FinishAsync(params Task[] tasks)
    {
        while (!Task.WhenAll(tasks).IsCompleted)
        {
            while (Fixture.Scripted.Pending.Count > 0)
            {
                Fixture.Scripted.Pending[0].Succeed();
            }

            await Fixture.Context.YieldAsync();
        }

        await Task.WhenAll(tasks);
    }

    private async Task SettleAsync()
    {
        for (int i = 0; i < 20; i++)
        {
            await Fixture.Context.YieldAsync();
        }
    }
}
