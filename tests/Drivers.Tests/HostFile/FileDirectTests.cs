using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary><c>cache.direct=on</c>: requests of any shape and memory of any address, over a kernel that takes whole blocks only.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileDirectTests(string engine) : FileDriverFixture(engine)
{
    private const int LengthBytes = 1 << 20;

    [TestCase("driver=file,filename=*,cache.direct=on")]
    [TestCase("driver=raw,file.filename=*,cache.direct=on")]
    [TestCase("driver=throttle,file.filename=*,cache.direct=on,limits.iops-total=1000000")]
    public void Requests_of_any_shape_go_through(string stack) => Run(async () =>
    {
        byte[] model = Pattern(LengthBytes, seed: 1);
        string path = MakeFile("a.img", model);
        await using (BlockBackend backend = await OpenDirectAsync(stack.Replace("*", path, StringComparison.Ordinal)))
        {
            Assert.That(backend.Root!.Limits.RequestAlignmentBytes, Is.GreaterThan(1), "the alignment reaches the top");
            foreach ((int offset, int length) in new[] { (0, 4096), (1, 1), (511, 2), (4095, 4098), (65_537, 131_071), (LengthBytes - 3, 3) })
            {
                byte[] data = Pattern(length, seed: offset);
                await backend.WriteAsync(offset, data);
                data.CopyTo(model, offset);
                byte[] copy = new byte[length + 2];
                await backend.ReadAsync(offset, copy.AsMemory(1, length));
                Assert.That(copy.AsSpan(1, length).SequenceEqual(data), $"{length} bytes at {offset}");
            }

            await backend.WriteZeroesAsync(10_001, 50_000);
            model.AsSpan(10_001, 50_000).Clear();
            await backend.FlushAsync();
        }

        Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(model), "the file itself, neighbours of odd requests included");
    });

    [TestCase(1, 4096, 4096, TestName = "Memory_at_an_odd_address_is_bounced")]
    [TestCase(0, 768, 256, TestName = "Pieces_of_odd_lengths_at_even_addresses_are_bounced")]
    [TestCase(0, 4096, 8192, TestName = "Aligned_pieces_go_straight")]
    public void Memory_of_any_shape_goes_through(int skip, int firstLength, int secondLength) => Run(async () =>
    {
        string path = MakeSparseFile("a.img", LengthBytes);
        await using BlockBackend backend = await OpenDirectAsync($"driver=file,filename={path},cache.direct=on");
        int length = (firstLength + secondLength + 4095) / 4096 * 4096;
        byte[] data = Pattern(length, seed: skip + firstLength);
        IoVector written = Vector(skip, firstLength, length - firstLength);
        written.CopyFrom(data);
        await backend.WriteAsync(8192, written);
        IoVector read = Vector(skip, firstLength, length - firstLength);
        await backend.ReadAsync(8192, read);
        byte[] copy = new byte[length];
        read.CopyTo(copy);
        Assert.That(copy.AsSpan().SequenceEqual(data), "what was written");
    });

    [Test]
    public void A_file_that_ends_within_a_block_is_read_to_its_last_byte() => Run(async () =>
    {
        byte[] model = Pattern(5001, seed: 3);
        string path = MakeFile("a.img", model);
        await using BlockBackend backend = await OpenDirectAsync($"driver=file,filename={path},cache.direct=on,read-only=on");
        Assert.That(backend.LengthBytes, Is.EqualTo(5001), "the exact length");
        byte[] copy = new byte[5001];
        await backend.ReadAsync(0, copy);
        Assert.That(copy, Is.EqualTo(model), "all of it");
        byte[] tail = new byte[1];
        await backend.ReadAsync(5000, tail);
        Assert.That(tail[0], Is.EqualTo(model[5000]), "the last byte alone");
    });

    [Test]
    public void A_file_that_ends_within_a_block_has_no_writer_that_may_not_make_it_longer() => Run(async () =>
    {
        byte[] model = Pattern(5001, seed: 4);
        string path = MakeFile("a.img", model);
        if (await TryOpenDirectAsync(path, null) is { } refusal)
        {
            Assert.That(refusal.Message, Is.EqualTo("Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment"), "why");
            AssertNothingIsLeft("after the refusal", path: path);
        }

        await using (BlockBackend backend = await OpenDirectAsync($"driver=file,filename={path},cache.direct=on", new BackendOptions { CanResize = true }))
        {
            await backend.WriteAsync(4990, new byte[11]);
        }

        model.AsSpan(4990, 11).Clear();
        byte[] bytes = File.ReadAllBytes(path);
        Assert.That(bytes.AsSpan(0, 5001).SequenceEqual(model), "the bytes around the write are kept");
        Assert.That(bytes.AsSpan(5001).ToArray(), Is.All.Zero, "what a whole block adds is zeros");
    });

    [Test]
    public void The_portable_engine_names_the_option_that_it_lacks() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        if (IsLinuxEngine)
        {
            Assert.Ignore("the linux engine has direct access");
        }

        BlockException refusal = await RefusedAsync($"driver=file,filename={path},cache.direct=on");
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.NotSupported, $"Could not open '{path}': cache.direct=on is not supported by the portable file engine")), "why");
        AssertNothingIsLeft("after the refusal", path: path);
    });

    [TestCase("read")]
    [TestCase("write")]
    public void Memory_that_moved_after_the_check_is_bounced_when_the_kernel_refuses_it(string call)
    {
        FaultyPlatform platform = new(Platform) { ClaimsDirect = true, AlignmentBytes = 512 };
        GraphFixture world = AddWorld(platform: platform);
        string path = MakeFile("a.img", Pattern(4096, seed: 5));
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=file,filename={path},cache.direct=on");
            int callCount = 0;
            platform.Fault = (name, _) =>
            {
                if (name == call && callCount++ == 0)
                {
                    throw new BlockException(BlockErrorKind.InvalidArgument, "Invalid argument");
                }
            };
            Memory<byte> memory = AlignedBuffer.Allocate(512, 512);
            memory.Span.Fill(7);
            await (call == "read" ? backend.ReadAsync(512, memory) : backend.WriteAsync(512, memory));
            Assert.That(callCount, Is.EqualTo(2), "once as it is, once through a buffer");
            Assert.That(File.ReadAllBytes(path).AsSpan(512, 512).SequenceEqual(memory.Span), "the data");
        });
    }

    [Test]
    public void Pieces_of_odd_lengths_never_reach_the_kernel()
    {
        FaultyPlatform platform = new(Platform) { ClaimsDirect = true, AlignmentBytes = 512 };
        GraphFixture world = AddWorld(platform: platform);
        string path = MakeFile("a.img", Pattern(4096, seed: 6));
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=file,filename={path},cache.direct=on");
            int callCount = 0;
            platform.Fault = (name, _) => callCount += name is "read" or "write" ? 1 : 0;
            await backend.WriteAsync(0, Vector(0, 768, 256));
            await backend.ReadAsync(0, Vector(0, 768, 256));
            Assert.That(callCount, Is.EqualTo(2), "neither the write nor the read is tried in vain");
            Assert.That(File.ReadAllBytes(path).AsSpan(0, 1024).ToArray(), Is.All.Zero, "the data");
        });
    }

    private static IoVector Vector(int skip, int firstLength, int secondLength) => new(new IoSegments(
        AlignedBuffer.Allocate(firstLength + skip, 4096)[skip..],
        AlignedBuffer.Allocate(secondLength + skip, 4096)[skip..]));

    private async Task<BlockException?> TryOpenDirectAsync(string path, BackendOptions? options)
    {
        try
        {
            await (await OpenDirectAsync($"driver=file,filename={path},cache.direct=on", options)).DisposeAsync();
            return null;
        }
        catch (BlockException refusal)
        {
            return refusal;
        }
    }

    private async Task<BlockBackend> OpenDirectAsync(string options, BackendOptions? backend = null)
    {
        if (!IsLinuxEngine)
        {
            Assert.Ignore("the portable engine has no direct access");
        }

        try
        {
            return await OpenAsync(options, backend);
        }
        catch (BlockException error) when (error.Message.EndsWith("O_DIRECT", StringComparison.Ordinal))
        {
            Assert.Ignore("the test folder's file system does not support O_DIRECT");
            throw;
        }
    }
}
