using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Tests.HostFile;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <summary>Requests to one image from real threads, whose pieces lie in the same clusters: one owner of the tables, nobody's bytes lost.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class Qcow2ThreadTests(string engine) : FileDriverFixture(engine)
{
    private const int ThreadCount = 8;

    // No divisor of a cluster: most clusters have pieces of two threads.
    private const int PieceBytes = 1536;
    private const int PiecesOfThread = 160;
    private const int InFlight = 4;
    private const long LengthBytes = (long)ThreadCount * PiecesOfThread * PieceBytes;

    [TestCase("")]
    [TestCase(",lazy-refcounts=on,l2-cache-size=4096")]
    [CancelAfter(60_000)]
    public async Task Eight_threads_write_one_image(string more, CancellationToken cancel)
    {
        string path = PathOf("a.qcow2");
        await File.WriteAllBytesAsync(path, new Qcow2Layout(new Qcow2CreateOptions { LengthBytes = LengthBytes, ClusterBits = 12 }.CreateHeaderArea(), LengthBytes).ToArray(), cancel);
        using MainLoop loop = MainLoop.Start(Platform);
        await using (NodeGraph graph = new(loop, NewDrivers(), new NodeGraphOptions { Platform = Platform }))
        {
            await using BlockBackend backend = await graph.OpenAsync(CommandOptions.Read($"driver=qcow2,discard=unmap,file.filename={path}{more}"), cancel: cancel);
            await Task.WhenAll(Enumerable.Range(0, ThreadCount).Select(thread => Task.Run(() => WorkAsync(backend, thread, cancel), cancel)));
            await RequireAllPiecesAsync(backend, cancel);
        }

        ImageAudit audit = ImageAudit.Of(await File.ReadAllBytesAsync(path, cancel));
        Assert.That(audit.Errors.Concat(audit.Leaks).Take(5), Is.Empty, "the closed image");
    }

    // Writes its pieces, some at a time; discards and writes over every fourth, and zeroes every fifth.
    private static async Task WorkAsync(BlockBackend backend, int thread, CancellationToken cancel)
    {
        for (int first = 0; first < PiecesOfThread; first += InFlight)
        {
            await Task.WhenAll(Enumerable.Range(first, InFlight).Select(index => PutAsync(backend, PieceOf(thread, index), cancel)));
            byte[] bytes = new byte[PieceBytes];
            await backend.ReadAsync(OffsetOf(PieceOf(thread, first)), bytes, cancel: cancel);
            Assert.That(bytes, Is.All.EqualTo(ValueOf(PieceOf(thread, first))), $"piece {first} of thread {thread}, read at once");
        }
    }

    private static async Task PutAsync(BlockBackend backend, int piece, CancellationToken cancel)
    {
        byte[] bytes = new byte[PieceBytes];
        if (piece % 4 == 0)
        {
            Array.Fill(bytes, (byte)0xee);
            await backend.WriteAsync(OffsetOf(piece), bytes, cancel: cancel);
            await backend.DiscardAsync(OffsetOf(piece), PieceBytes, cancel);
        }

        if (ValueOf(piece) == 0)
        {
            await backend.WriteZeroesAsync(OffsetOf(piece), PieceBytes, RequestFlags.MayUnmap, cancel);
            return;
        }

        Array.Fill(bytes, ValueOf(piece));
        await backend.WriteAsync(OffsetOf(piece), bytes, cancel: cancel);
    }

    private static async Task RequireAllPiecesAsync(BlockBackend backend, CancellationToken cancel)
    {
        byte[] all = new byte[LengthBytes];
        await backend.ReadAsync(0, all, cancel: cancel);
        for (int piece = 0; piece < ThreadCount * PiecesOfThread; piece++)
        {
            Assert.That(all.AsSpan(piece * PieceBytes, PieceBytes).ToArray(), Is.All.EqualTo(ValueOf(piece)), $"piece {piece}");
        }
    }

    // Neighbours belong to different threads.
    private static int PieceOf(int thread, int index) => (index * ThreadCount) + thread;

    private static long OffsetOf(int piece) => (long)piece * PieceBytes;

    private static byte ValueOf(int piece) => piece % 5 == 0 ? (byte)0 : (byte)((piece % 251) + 1);
}
