using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>Scenarios 71 and 72, as far as they are about reading.</summary>
[TestFixture]
public sealed class ReadScenarioTests : ScenarioTests
{
    private const int Cluster = 4096;

    // blk (copies on read) -> top => base (memory)
    [Test]
    public void S71_Copy_on_read_populates_once_and_never_from_the_users_buffer([ValueSource(nameof(Formats))] string format, [Range(0, 19)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, FormatDrivers);
        fixture.Memory.Storage("base", 8 * Cluster).Bytes.AsSpan().Fill(7);
        fixture.Run(async () =>
        {
            await PutImageAsync(fixture, format, "top", 8 * Cluster);
            await using BlockBackend blk = await fixture.OpenAsync(
                $"driver={format},file.driver=memory,file.filename=top,file.latency-ns-max=20000,backing.driver=memory,backing.filename=base,backing.latency-ns-max=20000",
                new BackendOptions { CopyOnRead = true });
            MemoryStorage below = fixture.Memory.Storage("base");
            byte[] mine = new byte[5000];
            Task read = blk.ReadAsync(1000, mine).AsTask();
            while (!read.IsCompleted)
            {
                // A guest that scribbles on its buffer while the request is under way.
                Array.Fill(mine, (byte)99);
                await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(3000));
            }

            await read;
            int readsBelow = below.Log.Count;
            Assert.That(below.Log, Is.EqualTo(new[] { new MemoryRequest(RequestKind.Read, 0, 2 * Cluster, RequestFlags.None) }), "whole clusters, once");
            byte[] again = new byte[2 * Cluster];
            await blk.ReadAsync(0, again);
            Assert.That(again, Is.All.EqualTo((byte)7), $"seed {seed}: what the backing node has, not what the guest wrote");
            Assert.That(below.Log, Has.Count.EqualTo(readsBelow), "the later read hits the top");
            Assert.That((await blk.GetStatusAsync(0, 8 * Cluster)).LengthBytes, Is.EqualTo(2 * Cluster), "no cluster more than was touched");
        });
    }

    // blk -> top (16 KiB) => short (8 KiB) => base (memory, 16 KiB)
    [TestCaseSource(nameof(Formats))]
    public void S72_Status_over_a_short_backing_node_is_zero_and_allocated_at_the_short_layer(string format) => Fixture.Run(async () =>
    {
        await PutImageAsync(Fixture, format, "top", 4 * Cluster);
        await PutImageAsync(Fixture, format, "short", 2 * Cluster);
        Fixture.Memory.Storage("base", 4 * Cluster).Bytes.AsSpan().Fill(7);
        await using BlockBackend blk = await Fixture.OpenAsync(
            $"driver={format},file.driver=memory,file.filename=top,backing.driver={format},backing.node-name=short,backing.file.driver=memory,backing.file.filename=short,"
            + "backing.backing.driver=memory,backing.backing.node-name=base,backing.backing.filename=base");
        ChainStatus inside = await blk.GetStatusAboveAsync(0, 4 * Cluster);
        Assert.That((inside.Node.Name, inside.Depth, inside.Status.LengthBytes), Is.EqualTo(("base", 3, 2L * Cluster)), "where the short layer is, the base shows through it");
        Assert.That(inside.Status.IsAllocated && !inside.Status.IsZero, "as data");
        ChainStatus beyond = await blk.GetStatusAboveAsync(2 * Cluster, 2 * Cluster);
        Assert.That((beyond.Node.Name, beyond.Depth), Is.EqualTo(("short", 2)), "beyond its end nothing shows through");
        Assert.That(
            beyond.Status, Is.EqualTo(new BlockStatus(BlockStatusFlags.Zero | BlockStatusFlags.Allocated | BlockStatusFlags.EndOfFile, 2 * Cluster)), "zeros, allocated at the short layer, to the top's end");
        byte[] read = new byte[4 * Cluster];
        await blk.ReadAsync(0, read);
        Assert.That(read[..(2 * Cluster)], Is.All.EqualTo((byte)7), "and so it reads");
        Assert.That(read[(2 * Cluster)..], Is.All.Zero, "zeros beyond");
    });
}
