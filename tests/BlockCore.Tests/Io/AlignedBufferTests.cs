using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Tests.Io;

/// <summary>Buffers at aligned addresses.</summary>
[TestFixture]
public sealed class AlignedBufferTests
{
    [Test]
    public void A_buffer_is_zeroed_and_as_long_as_asked([Values(1, 512, 4096, 65536)] int alignment, [Values(1, 511, 4096, 100_000)] int length)
    {
        Memory<byte> buffer = AlignedBuffer.Allocate(length, alignment);
        Assert.That(buffer.Length, Is.EqualTo(length), "the length");
        Assert.That(buffer.Span.IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "zeros");
    }

    [Test]
    public void A_buffer_is_aligned([Values(1, 512, 4096, 65536)] int alignment, [Values(1, 3, 8)] int blockCount) =>
        Assert.That(AlignedBuffer.IsAligned(AlignedBuffer.Allocate(alignment * blockCount, alignment), alignment), Is.True, "the address");

    [Test]
    public void Every_piece_must_be_aligned_by_address_and_length()
    {
        Memory<byte> a = AlignedBuffer.Allocate(1024, 512);
        Memory<byte> b = AlignedBuffer.Allocate(1024, 512);
        Assert.That(AlignedBuffer.IsAligned(new IoVector(new IoSegments(a, b)), 512), Is.True, "both");
        Assert.That(AlignedBuffer.IsAligned(new IoVector(new IoSegments(a, b[256..768])), 512), Is.False, "one address is not");
        Assert.That(AlignedBuffer.IsAligned(new IoVector(new IoSegments(a[..500], b)), 512), Is.False, "one length is not");
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
