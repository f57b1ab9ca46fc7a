using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files;

/// <summary>What a failed flush means for the flushes after it.</summary>
public sealed class HostFileFlushTests
{
    [Test]
    public void After_a_failed_flush_through_the_page_cache_no_flush_succeeds()
    {
        using BrokenFile file = new(isDirect: false) { FlushFailure = BlockErrorKind.InputOutput };
        Assert.That(file.Flush, Throws.TypeOf<BlockException>());
        file.FlushFailure = null;

        BlockException error = Assert.Throws<BlockException>(file.Flush)!;

        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.InputOutput, "Input/output error")), "the system forgets what it lost");
        Assert.That(file.FlushCount, Is.EqualTo(1), "the system must not be asked again");
    }

    [Test]
    public void After_a_failed_flush_of_a_direct_file_the_next_may_succeed()
    {
        using BrokenFile file = new(isDirect: true) { FlushFailure = BlockErrorKind.InputOutput };
        Assert.That(file.Flush, Throws.TypeOf<BlockException>());
        file.FlushFailure = null;

        Assert.That(file.Flush, Throws.Nothing, "nothing was cached that could be lost");
    }

    [TestCase(BlockErrorKind.InputOutput, true)]
    [TestCase(BlockErrorKind.NoSpace, false)]
    public void A_durable_write_that_was_lost_counts_as_a_failed_flush(BlockErrorKind failure, bool isLost)
    {
        using BrokenFile file = new(isDirect: false) { FlushFailure = failure };
        Assert.That(() => file.WriteDurably(0, new byte[1]), Throws.TypeOf<BlockException>());
        file.FlushFailure = null;

        Assert.That(file.HasFailedFlush, Is.EqualTo(isLost), "what was refused was not lost");
        Assert.That(file.Flush, isLost ? Throws.TypeOf<BlockException>() : Throws.Nothing, "the flush after it");
        Assert.That(() => file.WriteDurably(0, new byte[1]), isLost ? Throws.TypeOf<BlockException>() : Throws.Nothing, "and a durable write");
    }

    [Test]
    public void A_descriptor_that_takes_the_place_of_another_takes_its_failure_along()
    {
        using BrokenFile file = new(isDirect: false) { FlushFailure = BlockErrorKind.InputOutput };
        Assert.That(file.Flush, Throws.TypeOf<BlockException>());
        using BrokenFile next = new(isDirect: false);
        next.TakeFlushFailureOf(file);
        Assert.That(next.Flush, Throws.TypeOf<BlockException>(), "it cannot promise what the other has lost");
        using BrokenFile sound = new(isDirect: false);
        sound.TakeFlushFailureOf(new BrokenFile(isDirect: false));
        Assert.That(sound.Flush, Throws.Nothing, "nothing was lost");
    }

    private sealed class BrokenFile(bool isDirect) : HostFile(new HostFileOptions("f") { IsWritable = true, IsDirect = isDirect })
    {
        public BlockErrorKind? FlushFailure { get; set; }

        public int FlushCount { get; private set; }

        public override void Read(long offset, IoVector vector) => throw new NotSupportedException();

        public override void Write(long offset, IoVector vector)
        {
        }

        public override long GetLengthBytes() => 0;

        public override void SetLengthBytes(long lengthBytes) => throw new NotSupportedException();

        public override bool TryPunchHole(long offset, long lengthBytes) => false;

        public override bool TryZeroRange(long offset, long lengthBytes, bool mayUnmap) => false;

        public override bool TryGetExtent(long offset, long lengthBytesMax, out bool isData, out long lengthBytes)
        {
            (isData, lengthBytes) = (true, lengthBytesMax);
            return false;
        }

        protected override void Dispose(bool disposing)
        {
        }

        private protected override void FlushCore()
        {
            FlushCount++;
            if (FlushFailure is { } kind)
            {
                throw new BlockException(kind, kind.ToErrnoText());
            }
        }
    }
}
