using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>Requests that are under way when their user leaves, changes its mind or is held back, over every way of carrying them out, on real loops.</summary>
public sealed class FileEndTests() : FileDriverFixture("linux")
{
    private const int BlockBytes = 4096;
    private const int BlockCount = 256;

    private static readonly string[] s_ways =
    [
        "aio=auto", "aio=threads", "aio=io_uring", "aio=auto,cache.direct=on", "aio=threads,cache.direct=on", "aio=native,cache.direct=on", "aio=io_uring,cache.direct=on",
    ];

    [Test]
    public void Closing_waits_for_what_is_under_way([ValueSource(nameof(s_ways))] string way, [Values] bool mayBlock) => RunOver(way, mayBlock, async (_, backend) =>
    {
        Task[] writes = [.. Enumerable.Range(0, BlockCount).Select(i => WriteAsync(backend, i, 7))];
        await backend.DisposeAsync();
        Assert.That(writes.All(write => write.IsCompletedSuccessfully), "every write is over, and has succeeded");
        Assert.That(File.ReadAllBytes(PathOf("a.img")), Is.All.EqualTo((byte)7), "and is in the file");
        Assert.That(OpenDescriptorCount(), Is.Zero, "which is closed");
        BlockException late = await RefusedAsync(() => WriteAsync(backend, 0, 8));
        Assert.That(late.Kind, Is.EqualTo(BlockErrorKind.NoMedium), "who comes later finds nothing");
    });

    [Test]
    public void Closing_the_graph_waits_as_well([ValueSource(nameof(s_ways))] string way) => RunOver(way, mayBlock: false, async (graph, backend) =>
    {
        Task[] writes = [.. Enumerable.Range(0, BlockCount).Select(i => WriteAsync(backend, i, 7))];
        await graph.DisposeAsync();
        Assert.That(writes.All(write => write.IsCompletedSuccessfully), "every write is over, and has succeeded");
        Assert.That(OpenDescriptorCount(), Is.Zero, "the file is closed");
    });

    [Test]
    public void Ejecting_waits_and_then_there_is_no_medium([ValueSource(nameof(s_ways))] string way) => RunOver(way, mayBlock: false, async (_, backend) =>
    {
        Task[] writes = [.. Enumerable.Range(0, BlockCount).Select(i => WriteAsync(backend, i, 7))];
        await backend.RemoveAsync();
        Assert.That(writes.All(write => write.IsCompletedSuccessfully), "every write is over, and has succeeded");
        Assert.That((await RefusedAsync(() => WriteAsync(backend, 0, 8))).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "a later one");
        await backend.DisposeAsync();
    });

    [Test]
    public void A_request_that_was_cancelled_before_does_nothing_and_one_that_is_under_way_is_whole([ValueSource(nameof(s_ways))] string way, [Values] bool mayBlock) => RunOver(way, mayBlock, async (_, backend) =>
    {
        using CancellationTokenSource before = new();
        using CancellationTokenSource after = new();
        before.Cancel();
        Task refused = backend.WriteAsync(0, Filled(9), cancel: before.Token).AsTask();
        Assert.That(refused.IsCanceled, "it is refused at once");
        Task[] writes = [.. Enumerable.Range(1, BlockCount - 1).Select(i => backend.WriteAsync(i * BlockBytes, Filled(7), cancel: after.Token).AsTask())];
        after.Cancel();
        bool[] isDone = new bool[BlockCount];
        for (int i = 1; i < BlockCount; i++)
        {
            isDone[i] = await IsDoneAsync(writes[i - 1]);
        }

        await backend.DisposeAsync();
        byte[] bytes = File.ReadAllBytes(PathOf("a.img"));
        for (int i = 0; i < BlockCount; i++)
        {
            Assert.That(bytes.AsSpan(i * BlockBytes, BlockBytes).IndexOfAnyExcept(isDone[i] ? (byte)7 : (byte)0), Is.Negative, $"block {i}, {(isDone[i] ? "written" : "cancelled")}");
        }
    });

    [Test]
    public void What_comes_in_a_drain_waits_and_then_runs([ValueSource(nameof(s_ways))] string way) => RunOver(way, mayBlock: false, async (_, backend) =>
    {
        Task[] first = [.. Enumerable.Range(0, BlockCount / 2).Select(i => WriteAsync(backend, i, 7))];
        Task[] held;
        await using (DrainScope drain = await backend.DrainAsync())
        {
            Assert.That(first.All(write => write.IsCompletedSuccessfully), "what was under way is over");
            held = [.. Enumerable.Range(BlockCount / 2, BlockCount / 2).Select(i => WriteAsync(backend, i, 8)), backend.FlushAsync().AsTask(), backend.ReadAsync(0, new byte[BlockBytes]).AsTask()];
            await AioContext.Current!.YieldAsync();
            Assert.That(held.Any(request => request.IsCompleted), Is.False, "what comes now waits");
            Assert.That(File.ReadAllBytes(PathOf("a.img")).AsSpan(BlockCount / 2 * BlockBytes).IndexOfAnyExcept((byte)0), Is.Negative, "and has done nothing");
        }

        await Task.WhenAll(held);
        await backend.DisposeAsync();
        Assert.That(File.ReadAllBytes(PathOf("a.img")).AsSpan(BlockCount / 2 * BlockBytes).IndexOfAnyExcept((byte)8), Is.Negative, "then it ran");
    });

    private static async Task<bool> IsDoneAsync(Task request)
    {
        try
        {
            await request;
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static byte[] Filled(byte value) => [.. Enumerable.Repeat(value, BlockBytes)];

    private static Task WriteAsync(BlockBackend backend, int block, byte value) => backend.WriteAsync((long)block * BlockBytes, Filled(value)).AsTask();

    private void RunOver(string way, bool mayBlock, Func<NodeGraph, BlockBackend, Task> body)
    {
        string path = MakeSparseFile("a.img", BlockCount * BlockBytes);
        using PolledAioContext context = new("test", platform: Platform) { MayBlock = mayBlock, HasOneThread = true };
        context.Run(async () =>
        {
            await using NodeGraph graph = new(MainLoop.Pumped(context), NewDrivers(), new NodeGraphOptions { Platform = Platform });
            await body(graph, await graph.OpenAsync(CommandOptions.Read($"driver=raw,file.driver=file,file.filename={path}," + string.Join(',', way.Split(',').Select(option => "file." + option)))));
        });
        Assert.That(OpenDescriptorCount(), Is.Zero, "nothing is left open");
    }
}
