using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>The driver over every way of carrying requests out, on real loops.</summary>
public sealed class FileEngineTests() : FileDriverFixture("linux")
{
    private const int LengthBytes = 2 << 20;
    private const int BlockBytes = 4096;

    private static readonly string[] s_ways =
    [
        "aio=auto", "aio=threads", "aio=io_uring", "aio=auto,cache.direct=on", "aio=threads,cache.direct=on", "aio=native,cache.direct=on", "aio=io_uring,cache.direct=on",
        "aio=auto,cache.no-flush=on",
    ];

    [Test]
    [CancelAfter(120_000)]
    public void Any_load_leaves_the_bytes_that_it_should([ValueSource(nameof(s_ways))] string way, [Values] bool mayBlock, CancellationToken cancel)
    {
        byte[] model = Pattern(LengthBytes, seed: 1);
        string path = MakeFile("a.img", model);
        Random chance = new(2);
        using PolledAioContext context = new("test", platform: Platform) { MayBlock = mayBlock, HasOneThread = true };
        context.Run(async () =>
        {
            await using NodeGraph graph = new(MainLoop.Pumped(context), NewDrivers(), new NodeGraphOptions { Platform = Platform });
            await using BlockBackend backend = await graph.OpenAsync(Over(path, way), cancel: cancel);
            for (int round = 0; round < 30; round++)
            {
                await RunRoundAsync(backend, model, chance);
            }
        });
        Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(model), "the file itself");
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task Many_contexts_share_one_image([ValueSource(nameof(s_ways))] string way, CancellationToken cancel)
    {
        const int ThreadCount = 3;
        const int Count = 400;
        string path = MakeSparseFile("a.img", ThreadCount * Count * BlockBytes);
        using MainLoop loop = MainLoop.Start(Platform);
        await using NodeGraph graph = new(loop, NewDrivers(), new NodeGraphOptions { Platform = Platform });
        IoThread[] threads = [.. Enumerable.Range(0, ThreadCount).Select(i => new IoThread($"io{i}", Platform))];
        BlockBackend backend = await graph.OpenAsync(Over(path, way), cancel: cancel);
        foreach (IoThread thread in threads)
        {
            await backend.AddSubmitterAsync(thread.Context);
        }

        await Task.WhenAll(threads.Select((thread, index) => thread.Context.RunAsync(() => WriteAndCheckAsync(backend, index * Count, Count))));
        foreach (IoThread thread in threads)
        {
            await backend.RemoveSubmitterAsync(thread.Context);
            thread.Dispose();
        }

        await backend.DisposeAsync();
        byte[] bytes = await File.ReadAllBytesAsync(path, cancel);
        Assert.That(Enumerable.Range(0, ThreadCount * Count).All(i => bytes.AsSpan(i * BlockBytes, BlockBytes).IndexOfAnyExcept(ValueOf(i)) < 0), "each block is its writer's");
        Assert.That(OpenDescriptorCount(), Is.Zero, "closing has closed the file");
    }

    [Test]
    public void A_reopen_changes_the_way_under_a_load() => Run(async () =>
    {
        string path = MakeSparseFile("a.img", LengthBytes);
        await using BlockBackend backend = await OpenAsync($"driver=file,filename={path},node-name=f");
        BlockNode node = Graph.FindNode("f")!;
        foreach (string aio in new[] { "threads", "io_uring", "auto" })
        {
            Task writes = Task.WhenAll(Enumerable.Range(0, 16).Select(i => backend.WriteAsync(i * BlockBytes, Enumerable.Repeat((byte)aio.Length, BlockBytes).ToArray()).AsTask()));
            await Graph.ApplyAsync(GraphEdit.Reopen(node, new OptionsDictionary { ["aio"] = aio }));
            await writes;
            Assert.That(node.Options.GetText("aio"), Is.EqualTo(aio), "the option in effect");
        }

        BlockException refusal = await RefusedAsync(() => Graph.ApplyAsync(GraphEdit.Reopen(node, new OptionsDictionary { ["aio"] = "native" })));
        Assert.That(refusal.Message, Does.StartWith("aio=native was specified, but it requires cache.direct=on"), "the refusal");
        Assert.That(File.ReadAllBytes(path).Take(16 * BlockBytes), Is.All.EqualTo((byte)"auto".Length), "the last writes");
    });

    [TestCase("aio=native", "aio=native was specified, but it requires cache.direct=on, which was not specified.")]
    [TestCase("aio=bogus", "Parameter 'aio' does not accept value 'bogus'")]
    public void A_way_that_there_is_not_is_refused(string way, string reason) => Run(async () =>
    {
        string path = MakeSparseFile("a.img", LengthBytes);
        Assert.That((await RefusedAsync($"driver=file,filename={path},{way}")).Message, Does.StartWith(reason), "why");
        AssertNothingIsLeft("after the refusal", path: path);
    });

    private static OptionsDictionary Over(string path, string way) =>
        CommandOptions.Read($"driver=raw,discard=unmap,file.driver=file,file.discard=unmap,file.filename={path}," + string.Join(',', way.Split(',').Select(option => "file." + option)));

    private static byte ValueOf(int block) => (byte)((block % 251) + 1);

    private static async Task WriteAndCheckAsync(BlockBackend backend, int first, int count)
    {
        await Task.WhenAll(Enumerable.Range(first, count).Select(async block =>
        {
            await backend.WriteAsync(block * (long)BlockBytes, Enumerable.Repeat(ValueOf(block), BlockBytes).ToArray());
            byte[] copy = new byte[BlockBytes];
            await backend.ReadAsync(block * (long)BlockBytes, copy);
            Assert.That(copy, Is.All.EqualTo(ValueOf(block)), $"block {block} read back");
        }));
        await backend.FlushAsync();
    }

    // Requests of every kind and any shape that do not overlap, all at once.
    private static async Task RunRoundAsync(BlockBackend backend, byte[] model, Random chance)
    {
        List<Task> tasks = [];
        List<(int Offset, byte[] Buffer)> reads = [];
        for (int at = 0; at < model.Length;)
        {
            int length = Math.Min(1 + chance.Next(30_000), model.Length - at);
            length = chance.Next(2) == 0 ? length : Math.Min((length + 511) / 512 * 512, model.Length - at);
            byte[] buffer = new byte[length];
            switch (chance.Next(8))
            {
                case 0 or 1:
                    chance.NextBytes(buffer);
                    buffer.CopyTo(model, at);
                    tasks.Add(backend.WriteAsync(at, buffer, chance.Next(10) == 0 ? RequestFlags.Fua : RequestFlags.None).AsTask());
                    break;
                case 2:
                    model.AsSpan(at, length).Clear();
                    tasks.Add(backend.WriteZeroesAsync(at, length, chance.Next(2) == 0 ? RequestFlags.MayUnmap : RequestFlags.None).AsTask());
                    break;
                case 3:
                    tasks.Add(backend.FlushAsync().AsTask());
                    break;
                default:
                    reads.Add((at, buffer));
                    tasks.Add(backend.ReadAsync(at, buffer).AsTask());
                    break;
            }

            at += length;
        }

        await Task.WhenAll(tasks);
        foreach ((int offset, byte[] buffer) in reads)
        {
            Assert.That(buffer.AsSpan().SequenceEqual(model.AsSpan(offset, buffer.Length)), $"{buffer.Length} bytes read at {offset}");
        }
    }
}
