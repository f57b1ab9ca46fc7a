using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Tests.Io;

/// <summary>Buffers at aligned addresses.</summary>
[TestFixture]
public sealed class AlignedBufferTests
{
    [Test]
    public void A_buffer_is_aligned_zeroed_and_as_long_as_asked([Values(1, 512, 4096, 65536)] int alignment, [Values(1, 511, 4096, 100_000)] int length)
    {
        Memory<byte> buffer = AlignedBuffer.Allocate(length, alignment);
        Assert.That(buffer.Length, Is.EqualTo(length), "the length");
        Assert.That(AlignedBuffer.IsAligned(buffer, alignment), Is.True, "the address");
        Assert.That(buffer.Span.IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "zeros");
    }

    [Test]
    public void Every_piece_must_be_aligned()
    {
        Memory<byte> a = AlignedBuffer.Allocate(1024, 512);
        Memory<byte> b = AlignedBuffer.Allocate(1024, 512);
        Assert.That(AlignedBuffer.IsAligned(new IoVector(new IoSegments(a, b)), 512), Is.True, "both");
        Assert.That(AlignedBuffer.IsAligned(new IoVector(new IoSegments(a, b[1..])), 512), Is.False, "one is not");
        Assert.That(AlignedBuffer.IsAligned(a[256..], 512), Is.False, "a slice");
        Assert.That(AlignedBuffer.IsAligned(a[256..], 256), Is.True, "by less");
    }

    [Test]
    public void An_empty_buffer_is_possible() => Assert.That(AlignedBuffer.Allocate(0, 1).Length, Is.Zero, "the length");

    [Test]
    public void Nonsense_is_refused()
    {
        Assert.That(() => AlignedBuffer.Allocate(-1, 512), Throws.TypeOf<ArgumentOutOfRangeException>(), "length");
        Assert.That(() => AlignedBuffer.Allocate(1, 0), Throws.TypeOf<ArgumentOutOfRangeException>(), "alignment");
    }
}
