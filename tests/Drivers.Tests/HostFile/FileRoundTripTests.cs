using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>What is written through a file, through raw over it and through a throttle over that, and comes back.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileRoundTripTests(string engine) : FileDriverFixture(engine)
{
    private const int LengthBytes = 1 << 20;

    private static readonly string[] s_stacks =
    [
        "driver=file,filename=*",
        "driver=raw,file.driver=file,file.filename=*",
        "driver=throttle,file.driver=raw,file.file.driver=file,file.file.filename=*,limits.iops-total=1000000",
        "driver=throttle,file.filename=*,limits.iops-total=1000000,throttle-group=bar",
        "{\"driver\": \"raw\", \"file\": {\"driver\": \"file\", \"filename\": \"*\"}}",
        "json:{\"driver\": \"throttle\", \"file\": {\"driver\": \"file\", \"filename\": \"*\"}}",
        "file:*",
        "*",
    ];

    [TestCaseSource(nameof(s_stacks))]
    public void Bytes_written_at_odd_places_come_back_and_are_in_the_file(string stack) => Run(async () =>
    {
        byte[] model = Pattern(LengthBytes, seed: 1);
        string path = MakeFile("a.img", model);
        await using (BlockBackend backend = await OpenAsync(stack.Replace("*", path, StringComparison.Ordinal)))
        {
            Assert.That(backend.LengthBytes, Is.EqualTo(LengthBytes), "the length");
            foreach ((int offset, int length) in new[] { (0, 1), (1, 7), (511, 2), (4095, 4098), (65_537, 131_071), (LengthBytes - 3, 3), (77, 0) })
            {
                byte[] data = Pattern(length, seed: offset);
                await backend.WriteAsync(offset, data);
                data.CopyTo(model, offset);
                Assert.That(await ReadAsync(backend, offset, length), Is.EqualTo(data), $"{length} bytes at {offset}");
            }

            await backend.FlushAsync();
            Assert.That((await ReadAsync(backend, 0, LengthBytes)).AsSpan().SequenceEqual(model), "all of it, read back");
        }

        Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(model), "the file itself");
    });

    [TestCaseSource(nameof(s_stacks))]
    public void Zeroed_and_discarded_ranges_read_as_they_should(string stack) => Run(async () =>
    {
        byte[] model = Pattern(LengthBytes, seed: 2);
        string path = MakeFile("a.img", model);
        await using (BlockBackend backend = await OpenAsync(stack.Replace("*", path, StringComparison.Ordinal)))
        {
            foreach ((int offset, int length) in new[] { (3, 1), (4096, 8192), (70_001, 123_457), (LengthBytes - 10, 10) })
            {
                await backend.WriteZeroesAsync(offset, length);
                model.AsSpan(offset, length).Clear();
            }

            await backend.DiscardAsync(300_000, 100_000);
            Assert.That((await ReadAsync(backend, 0, LengthBytes)).AsSpan().SequenceEqual(model), "zeros where asked for; a discard is ignored unless unmap is on");
            Assert.That(backend.LengthBytes, Is.EqualTo(LengthBytes), "the length stays");
        }

        Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(model), "the file itself");
    });

    [Test]
    public void A_vector_of_many_odd_pieces_travels_both_ways() => Run(async () =>
    {
        string path = MakeSparseFile("a.img", LengthBytes);
        await using BlockBackend backend = await OpenAsync($"driver=file,filename={path}");
        byte[] data = Pattern(3000 * 7, seed: 3);
        await backend.WriteAsync(4091, Pieces(data, 3000));
        IoVector copy = Pieces(new byte[data.Length], 1);
        await backend.ReadAsync(4091, copy);
        byte[] joined = new byte[data.Length];
        copy.CopyTo(joined);
        Assert.That(joined, Is.EqualTo(data), "3000 pieces of 7 bytes written, read in pieces of 1 byte and more");
    });

    [TestCase(-1, 1)]
    [TestCase(LengthBytes, 1)]
    [TestCase(LengthBytes - 1, 2)]
    public void A_request_outside_is_refused_and_changes_nothing(long offset, int length) => Run(async () =>
    {
        string path = MakeFile("a.img", Pattern(LengthBytes, seed: 4));
        await using BlockBackend backend = await OpenAsync($"driver=file,filename={path},node-name=n");
        string text = $"The range {offset}+{length} lies outside the image of {LengthBytes} bytes (node 'n')";
        foreach (Func<ValueTask> request in new Func<ValueTask>[]
        {
            () => backend.ReadAsync(offset, new byte[length]),
            () => backend.WriteAsync(offset, new byte[length]),
            () => backend.WriteZeroesAsync(offset, length),
            () => backend.DiscardAsync(offset, length),
        })
        {
            BlockException refusal = await RefusedAsync(async () => await request());
            Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.InputOutput, text)), "why");
        }

        Assert.That(new FileInfo(path).Length, Is.EqualTo(LengthBytes), "the file's length");
    });

    [Test]
    public void An_edge_with_the_resize_permission_makes_the_file_longer() => Run(async () =>
    {
        string path = MakeFile("a.img", Pattern(1000, seed: 5));
        await using BlockBackend backend = await OpenAsync($"driver=raw,file.filename={path}", new BackendOptions { CanResize = true });
        byte[] data = Pattern(50, seed: 6);
        await backend.RootEdge!.WriteAsync(990, data, RequestFlags.None, CancellationToken.None);
        Assert.That(backend.LengthBytes, Is.EqualTo(1040), "the backend sees the new length");
        await backend.RootEdge!.WriteAsync(2000, data, RequestFlags.None, CancellationToken.None);
        Assert.That(await ReadAsync(backend, 1040, 960), Is.EqualTo(new byte[960]), "the gap reads as zeros");
        Assert.That(await ReadAsync(backend, 2000, 50), Is.EqualTo(data), "the data behind the gap");
        Assert.That(new FileInfo(path).Length, Is.EqualTo(2050), "the file itself");
    });

    [Test]
    public void An_edge_without_the_resize_permission_does_not() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[1000]);
        await using BlockBackend backend = await OpenAsync($"driver=file,filename={path},node-name=n");
        BlockException refusal = await RefusedAsync(async () => await backend.RootEdge!.WriteAsync(999, new byte[2], RequestFlags.None, CancellationToken.None));
        Assert.That(refusal.Message, Is.EqualTo("The range 999+2 lies outside node 'n' of 1000 bytes"), "why");
        Assert.That(new FileInfo(path).Length, Is.EqualTo(1000), "the file's length");
    });

    [Test]
    public void A_node_that_ignores_flushes_sends_none_to_the_file()
    {
        FaultyPlatform platform = new(Platform);
        int flushCount = 0;
        platform.Fault = (call, _) => flushCount += call == "flush" ? 1 : 0;
        GraphFixture world = AddWorld(platform: platform);
        string path = MakeFile("a.img", new byte[4096]);
        foreach ((string option, int expected) in new[] { ("off", 2), ("on", 0) })
        {
            flushCount = 0;
            world.Run(async () =>
            {
                await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=raw,file.filename={path},cache.no-flush={option}");
                await backend.WriteAsync(0, new byte[512]);
                await backend.FlushAsync();
                await backend.WriteAsync(0, new byte[512], RequestFlags.Fua);
                Assert.That(flushCount, Is.EqualTo(expected), $"a flush and a durable write with cache.no-flush={option}");
            });
        }
    }

    [Test]
    public void A_failed_request_says_what_the_system_says_and_the_next_one_works()
    {
        FaultyPlatform platform = new(Platform);
        GraphFixture world = AddWorld(platform: platform);
        string path = MakeFile("a.img", Pattern(4096, seed: 7));
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=raw,file.filename={path},discard=unmap");
            foreach ((string call, Func<ValueTask> request) in new (string, Func<ValueTask>)[]
            {
                ("read", () => backend.ReadAsync(0, new byte[512])),
                ("write", () => backend.WriteAsync(0, new byte[512])),
                ("zero", () => backend.WriteZeroesAsync(0, 512)),
                ("punch", () => backend.DiscardAsync(0, 512)),
                ("extent", () => StatusAsync(backend)),
            })
            {
                platform.Fault = (name, _) => { if (name == call) { throw FaultyPlatform.Broken(); } };
                BlockException error = await RefusedAsync(async () => await request());
                Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.InputOutput, "Input/output error")), call);
                platform.Fault = (_, _) => { };
                await request();
            }
        });
    }

    private static async ValueTask StatusAsync(BlockBackend backend) =>
        await backend.RootEdge!.Node.FileChild!.GetStatusAsync(BlockStatusQuery.Everything, 0, 4096, CancellationToken.None);

    private static async Task<byte[]> ReadAsync(BlockBackend backend, long offset, int length)
    {
        byte[] bytes = [.. Enumerable.Repeat((byte)0xEE, length)];
        await backend.ReadAsync(offset, bytes);
        return bytes;
    }

    private static IoVector Pieces(byte[] bytes, int count)
    {
        int length = bytes.Length / count;
        Memory<byte>[] parts = [.. Enumerable.Range(0, count).Select(i => (Memory<byte>)bytes.AsSpan(i * length, length).ToArray())];
        return new IoVector(new IoSegments(parts));
    }
}
