using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>
/// Readers that copy, and writers of the same clusters at the same time: no write is lost.
/// <code>
///   blk (copies)   other
///        |           |
///   pass-through     |          the wish is handed down: both meet at the overlay
///         \          /
///          top (cow) => base
/// </code>
/// </summary>
[TestFixture]
public sealed class CopyOnReadWriteTests
{
    private const int Cluster = 2048;
    private const int ClusterCount = 6;

    [Test]
    public void No_write_is_lost_to_a_copy([Range(0, 99)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
        CowImage.Format(fixture.Memory.Storage("top"), new CowImageOptions(ClusterCount * Cluster) { ClusterBytes = Cluster });
        byte[] model = new byte[ClusterCount * Cluster];
        Array.Fill(model, (byte)7);
        model.CopyTo(fixture.Memory.Storage("base", model.Length).Bytes, 0);
        fixture.Run(async () =>
        {
            string align = fixture.World.Chance.OneIn(2) ? "512" : "1";
            await using BlockBackend blk = await fixture.OpenAsync(
                $"driver=pass-through,file.driver=cow,file.node-name=top,file.file.driver=memory,file.file.filename=top,file.file.align={align},file.file.latency-ns-max=20000,"
                + "file.backing.driver=memory,file.backing.filename=base,file.backing.latency-ns-max=20000",
                new BackendOptions { CopyOnRead = true, ShareWrite = true });
            await using BlockBackend other = await fixture.Graph.AttachBackendAsync(fixture.Graph.FindNode("top")!, new BackendOptions { ShareWrite = true });
            Task[] workers = [.. Enumerable.Range(0, 3).Select(i => WriteAsync(fixture, i == 0 ? other : blk, model, i)), .. Enumerable.Range(0, 3).Select(i => ReadAsync(fixture, blk))];
            await Task.WhenAll(workers);
            byte[] read = new byte[model.Length];
            await blk.ReadAsync(0, read);
            Assert.That(read.AsSpan().SequenceEqual(model), Is.True, $"seed {seed}: byte {read.AsSpan().CommonPrefixLength(model)} is not what was written last");
        });
    }

    // Each writer has bytes of its own in every cluster.
    private static async Task WriteAsync(GraphFixture fixture, BlockBackend backend, byte[] model, int index)
    {
        SeededRandom chance = fixture.World.Chance;
        for (int i = 0; i < 12; i++)
        {
            int offset = (chance.Next(ClusterCount) * Cluster) + (index * 600) + chance.Next(500);
            int length = 1 + chance.Next(600 - (offset % Cluster % 600));
            bool isZero = chance.OneIn(4);
            byte[] bytes = Enumerable.Repeat((byte)(isZero ? 0 : 100 + i), length).ToArray();
            await (isZero ? backend.WriteZeroesAsync(offset, length) : backend.WriteAsync(offset, bytes));
            bytes.CopyTo(model, offset);
            await AioContext.Current!.DelayAsync(chance.NextLong(10_000));
        }
    }

    private static async Task ReadAsync(GraphFixture fixture, BlockBackend backend)
    {
        SeededRandom chance = fixture.World.Chance;
        for (int i = 0; i < 10; i++)
        {
            int offset = chance.Next(ClusterCount * Cluster);
            byte[] mine = new byte[1 + chance.Next((ClusterCount * Cluster) - offset)];
            await backend.ReadAsync(offset, mine, chance.OneIn(3) ? RequestFlags.CopyOnRead | RequestFlags.Prefetch : RequestFlags.None);
            await AioContext.Current!.DelayAsync(chance.NextLong(20_000));
        }
    }
}
