using System.Numerics;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Scheduling.Linux;

namespace BlockGraph.BlockCore.Tests.Files;

/// <summary>Transfers that bypass the page cache.</summary>
public sealed class HostFileDirectTests() : HostFileFixture("linux")
{
    [Test]
    public void The_alignments_are_powers_of_two_that_the_kernel_accepts()
    {
        using HostFile file = OpenDirect(MakeFile("f", Pattern(65_536, seed: 1)));

        Assert.That(file.IsDirect);
        Assert.That(BitOperations.IsPow2(file.RequestAlignmentBytes), $"{file.RequestAlignmentBytes}");
        Assert.That(BitOperations.IsPow2(file.MemoryAlignmentBytes), $"{file.MemoryAlignmentBytes}");
        Memory<byte> buffer = AlignedBuffer.Allocate(file.RequestAlignmentBytes, file.MemoryAlignmentBytes);
        Assert.That(() => file.Read(file.RequestAlignmentBytes, buffer), Throws.Nothing);
    }

    [Test]
    public void Trying_finds_alignments_no_weaker_than_the_kernel_says()
    {
        using HostFile file = OpenDirect(MakeFile("f", Pattern(65_536, seed: 1)));
        int descriptor = FileNative.Open(file.Path, FileNative.OpenReadOnly | FileNative.OpenDirect | FileNative.OpenCloseOnExec, 0);
        try
        {
            DirectAlignment tried = DirectAlignment.Probe(descriptor);
            Assert.That(tried.RequestBytes, Is.InRange(file.RequestAlignmentBytes, 4096));
            Assert.That(tried.MemoryBytes, Is.InRange(file.MemoryAlignmentBytes, 4096));
        }
        finally
        {
            _ = LoopNative.Close(descriptor);
        }
    }

    [Test]
    public void Aligned_transfers_go_through()
    {
        using HostFile file = OpenDirect(MakeFile("f", new byte[1 << 20]));
        Memory<byte> written = Aligned(64 << 10, file);
        Pattern(written.Length, seed: 2).CopyTo(written);
        Memory<byte> read = Aligned(written.Length, file);

        file.Write(128 << 10, written);
        file.Read(128 << 10, read);

        Assert.That(read.Span.SequenceEqual(written.Span), "read back");
        Assert.That(ReadBytes(Open(file.Path), 128 << 10, written.Length).AsSpan().SequenceEqual(written.Span), "through the page cache");
    }

    [Test]
    public void The_unaligned_tail_of_a_file_reads_with_zeros_behind_it([Values] bool isSegmented)
    {
        byte[] model = Pattern(5000, seed: 3);
        using HostFile file = OpenDirect(MakeFile("f", model));
        Memory<byte> memory = Aligned(16_384, file);
        memory.Span.Fill(0xEE);
        IoVector vector = isSegmented ? new IoVector(new IoSegments(memory[..4096], memory[4096..])) : memory;

        file.Read(0, vector);

        Assert.That(memory.ToArray(), Is.EqualTo(model.Concat(new byte[16_384 - 5000])));
    }

    [Test]
    public void More_segments_than_one_call_takes_stay_aligned()
    {
        byte[] model = Pattern(3 << 20, seed: 4);
        using HostFile file = OpenDirect(MakeFile("f", model));
        Memory<byte> memory = Aligned(model.Length, file);

        // One piece that shifts the rest against the blocks, where memory may be aligned more finely than offsets.
        int shift = Math.Min(file.MemoryAlignmentBytes, file.RequestAlignmentBytes);
        List<Memory<byte>> parts = [memory[..shift]];
        for (int done = shift; done < memory.Length; done += 1024)
        {
            parts.Add(memory[done..Math.Min(done + 1024, memory.Length)]);
        }

        file.Read(0, new IoVector(new IoSegments([.. parts])));

        Assert.That(memory.Span.SequenceEqual(model));
    }

    [Test]
    public void An_unaligned_transfer_is_refused_by_the_kernel()
    {
        using HostFile file = OpenDirect(MakeFile("f", new byte[65_536]));
        if (file.RequestAlignmentBytes < 512)
        {
            Assert.Ignore("the file system takes any offset");
        }

        BlockException error = Assert.Throws<BlockException>(() => file.Read(1, Aligned(4096, file)))!;

        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.InvalidArgument, "Invalid argument")));
    }

    [Test]
    public void A_file_system_without_direct_access_says_so()
    {
        const string Path = "/proc/sys/kernel/ostype";
        if (!File.Exists(Path))
        {
            Assert.Ignore(Path + " does not exist");
        }

        BlockException error = Assert.Throws<BlockException>(() => OpenDirect(Path).Dispose())!;

        Assert.That(error.Message, Is.EqualTo($"Could not open '{Path}': filesystem does not support O_DIRECT"));
    }

    [Test]
    public void The_portable_engine_names_the_option_that_it_lacks()
    {
        string path = MakeFile("f", 1);

        BlockException error = Assert.Throws<BlockException>(() => HostPlatform.Portable.OpenFile(new HostFileOptions(path) { IsDirect = true }).Dispose())!;

        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotSupported));
        Assert.That(error.Message, Is.EqualTo($"Could not open '{path}': cache.direct=on is not supported by the portable file engine"));
    }

    private HostFile OpenDirect(string path)
    {
        try
        {
            return Platform.OpenFile(new HostFileOptions(path) { IsWritable = !path.StartsWith("/proc", StringComparison.Ordinal), IsDirect = true });
        }
        catch (BlockException error) when (path == PathOf("f") && error.Message.EndsWith("O_DIRECT", StringComparison.Ordinal))
        {
            Assert.Ignore("the test folder's file system does not support O_DIRECT");
            throw;
        }
    }

    private static Memory<byte> Aligned(int lengthBytes, HostFile file) =>
        AlignedBuffer.Allocate(lengthBytes, Math.Max(file.MemoryAlignmentBytes, 512));
}
