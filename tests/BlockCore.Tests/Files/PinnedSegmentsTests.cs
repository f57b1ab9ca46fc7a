using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Scheduling.Linux;

namespace BlockGraph.BlockCore.Tests.Files;

/// <summary>Which pieces of a vector go into one vectored call.</summary>
public sealed class PinnedSegmentsTests
{
    [TestCase(3, 100, 4096, 300, Description = "All of it, aligned or not: the end of a request is its caller's business")]
    [TestCase(1024, 101, 4096, 1024 * 101, Description = "Exactly as many as a call takes")]
    [TestCase(1025, 101, 4096, 102_400, Description = "A part must end where the next call may begin")]
    [TestCase(1025, 101, 1, 1024 * 101, Description = "Through the page cache that is anywhere")]
    [TestCase(3000, 512, 512, 1024 * 512, Description = "Aligned as it is")]
    public void As_much_is_listed_as_one_call_may_carry(int count, int pieceBytes, int alignmentBytes, int listedBytes)
    {
        IoPiece[] segments = new IoPiece[FileNative.IoVectorCountMax];

        using PinnedSegments pinned = new(Vector(count, pieceBytes), segments, alignmentBytes);

        Assert.That(segments.Take(pinned.Count).Sum(segment => (long)segment.LengthBytes), Is.EqualTo(listedBytes));
        Assert.That(segments.Take(pinned.Count).All(segment => segment.LengthBytes > 0), "no piece may be listed empty");
    }

    [Test]
    public void A_block_in_more_pieces_than_a_call_takes_is_a_bug() =>
        Assert.That(
            () =>
            {
                using PinnedSegments pinned = new(Vector(1025, 1), new IoPiece[FileNative.IoVectorCountMax], 4096);
            },
            Throws.TypeOf<InvariantViolationException>());

    private static IoVector Vector(int count, int pieceBytes) =>
        new(new IoSegments([.. Enumerable.Range(0, count).Select(_ => new Memory<byte>(new byte[pieceBytes]))]));
}
