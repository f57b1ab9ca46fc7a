using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>The same driver on a main loop and workers that are real threads.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileThreadTests(string engine) : FileDriverFixture(engine)
{
    private const int ThreadCount = 4;
    private const int BlockBytes = 4096;
    private const int BlockCount = 64;

    [TestCase("driver=file,filename=*")]
    [TestCase("driver=raw,file.filename=*")]
    [TestCase("driver=throttle,file.filename=*,limits.iops-total=1000000,limits.iops-total-max=1000000")]
    [CancelAfter(60_000)]
    public async Task Many_threads_write_and_read_one_image(string stack, CancellationToken cancel)
    {
        string path = MakeSparseFile("a.img", ThreadCount * BlockCount * BlockBytes);
        using MainLoop loop = MainLoop.Start(Platform);
        await using NodeGraph graph = NewGraph(loop);
        BlockBackend backend = await graph.OpenAsync(CommandOptions.Read(stack.Replace("*", path, StringComparison.Ordinal)), cancel: cancel);
        await Task.WhenAll(Enumerable.Range(0, ThreadCount).Select(thread => Task.Run(() => WriteAndCheckAsync(backend, thread, cancel), cancel)));
        await backend.FlushAsync(cancel);
        await backend.DisposeAsync();
        byte[] bytes = await File.ReadAllBytesAsync(path, cancel);
        for (int block = 0; block < ThreadCount * BlockCount; block++)
        {
            Assert.That(bytes.AsSpan(block * BlockBytes, BlockBytes).ToArray(), Is.All.EqualTo(ValueOf(block)), $"block {block} of the file");
        }

        Assert.That(OpenDescriptorCount(), Is.Zero, "closing has closed the file");
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Closing_waits_for_the_transfers_in_flight(CancellationToken cancel)
    {
        string path = MakeSparseFile("a.img", BlockCount * BlockBytes);
        using MainLoop loop = MainLoop.Start(Platform);
        await using NodeGraph graph = NewGraph(loop);
        for (int round = 0; round < 10; round++)
        {
            BlockBackend backend = await graph.OpenAsync(CommandOptions.Read($"driver=raw,file.filename={path}"), cancel: cancel);
            Task[] writes = [];
            await loop.Context.RunAsync(() =>
            {
                writes = [.. Enumerable.Range(0, BlockCount).Select(block => WriteBlockAsync(backend, block, (byte)(round + block)))];
                return Task.CompletedTask;
            });
            await backend.DisposeAsync();
            Assert.That(writes, Is.All.Property(nameof(Task.IsCompletedSuccessfully)).True, $"round {round}: every write is over when the image is closed");
            Assert.That(OpenDescriptorCount(), Is.Zero, $"round {round}: the file is closed");
        }

        Assert.That((await File.ReadAllBytesAsync(path, cancel))[^1], Is.EqualTo(9 + BlockCount - 1), "the bytes of the last round");
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Images_opened_and_closed_from_many_threads_leave_nothing(CancellationToken cancel)
    {
        using MainLoop loop = MainLoop.Start(Platform);
        await using NodeGraph graph = NewGraph(loop);
        string[] paths = [.. Enumerable.Range(0, ThreadCount).Select(i => MakeSparseFile($"{i}.img", 65_536))];
        await Task.WhenAll(paths.Select(path => Task.Run(() => OpenAndCloseAsync(graph, path, cancel), cancel)));
        AssertNothingIsLeft("at the end", graph, paths[0]);
    }

    private static byte ValueOf(int block) => (byte)((block % 251) + 1);

    private NodeGraph NewGraph(MainLoop loop) => new(loop, NewDrivers(), new NodeGraphOptions { Platform = Platform });

    private static async Task OpenAndCloseAsync(NodeGraph graph, string path, CancellationToken cancel)
    {
        for (int i = 0; i < 10; i++)
        {
            await using BlockBackend backend = await graph.OpenAsync(CommandOptions.Read($"driver=throttle,file.filename={path},throttle-group=g,limits.iops-total=100000"), cancel: cancel);
            await backend.WriteAsync(i * 512, new byte[512], cancel: cancel);
            Assert.That((await RefusedAsync(() => graph.OpenAsync(CommandOptions.Read($"driver=raw,offset=1M,file.filename={path}")))).Message, Does.StartWith("Offset (1048576)"), "a failing open beside it");
        }
    }

    private static async Task WriteAndCheckAsync(BlockBackend backend, int thread, CancellationToken cancel)
    {
        for (int i = 0; i < BlockCount; i++)
        {
            int block = (thread * BlockCount) + i;
            await WriteBlockAsync(backend, block, ValueOf(block));
            byte[] copy = new byte[BlockBytes];
            await backend.ReadAsync(block * BlockBytes, copy, cancel: cancel);
            Assert.That(copy, Is.All.EqualTo(ValueOf(block)), $"block {block} read back");
        }
    }

    private static async Task WriteBlockAsync(BlockBackend backend, int block, byte value)
    {
        byte[] data = new byte[BlockBytes];
        data.AsSpan().Fill(value);
        await backend.WriteAsync(block * BlockBytes, data);
    }
}
