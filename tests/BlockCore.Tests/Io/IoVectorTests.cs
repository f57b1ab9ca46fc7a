using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using CsCheck;

namespace BlockGraph.BlockCore.Tests.Io;

/// <summary>A vector shows one or several pieces of memory as one range.</summary>
[TestFixture]
public sealed class IoVectorTests
{
    [Test]
    public void A_vector_agrees_with_the_bytes_it_shows_however_it_is_cut()
    {
        Gen<(byte[][] Parts, int Start, int Length)> cuts =
            from parts in Gen.Byte.Array[0, 9].Array[1, 6]
            let total = parts.Sum(p => p.Length)
            from start in Gen.Int[0, total]
            from length in Gen.Int[0, total - start]
            select (parts, start, length);
        cuts.Sample(
            cut =>
            {
                byte[] all = [.. cut.Parts.SelectMany(p => p)];
                IoVector vector = new(new IoSegments([.. cut.Parts.Select(p => p.AsMemory())]));
                IoVector slice = vector.Slice(cut.Start, cut.Length);
                byte[] expected = all.AsSpan(cut.Start, cut.Length).ToArray();
                byte[] copied = new byte[cut.Length];
                slice.CopyTo(copied);
                List<byte> enumerated = [];
                foreach (Memory<byte> segment in slice)
                {
                    if (segment.IsEmpty)
                    {
                        return false;
                    }

                    enumerated.AddRange(segment.Span);
                }

                // Writing through the slice changes exactly its own bytes.
                slice.CopyFrom(expected.Select(b => (byte)(b ^ 0xFF)).ToArray());
                byte[] after = [.. cut.Parts.SelectMany(p => p)];
                bool hasChangedOnlyItsOwn = after.Select((b, i) => i >= cut.Start && i < cut.Start + cut.Length ? b == (byte)(all[i] ^ 0xFF) : b == all[i]).All(x => x);
                slice.Fill(9);
                byte[] filled = new byte[cut.Length];
                slice.CopyTo(filled);
                return slice.Length == cut.Length && copied.SequenceEqual(expected) && enumerated.SequenceEqual(expected) && hasChangedOnlyItsOwn && filled.All(b => b == 9);
            },
            iter: 2000,
            seed: "0000000000001");
    }

    [Test]
    public void A_single_piece_is_known_as_one()
    {
        byte[] array = [1, 2, 3, 4];
        IoVector vector = IoVector.FromArray(array);
        Assert.That(vector.IsSingle, Is.True, "one piece");
        Assert.That(vector.Slice(1, 2).TryGetSingle(out Memory<byte> memory), Is.True, "its slice as well");
        Assert.That(memory.ToArray(), Is.EqualTo(new byte[] { 2, 3 }), "the memory");
        Assert.That(IoVector.FromMemory(array.AsMemory(0, 2)), Is.EqualTo((IoVector)array.AsMemory(0, 2)), "made either way");
    }

    [Test]
    public void Several_pieces_are_not_one()
    {
        IoSegments segments = new(new byte[2], new byte[3]);
        IoVector vector = new(segments);
        Assert.That(segments.Count, Is.EqualTo(2), "pieces");
        Assert.That(segments[1].Length, Is.EqualTo(3), "the second");
        Assert.That(vector.IsSingle, Is.False, "several");
        Assert.That(vector.TryGetSingle(out _), Is.False, "no one memory");
        Assert.That(() => segments.GetSpan().Length, Throws.InvalidOperationException, "no one span");
        Assert.That(() => segments.Pin(), Throws.InvalidOperationException, "not pinned as one");
        Assert.That(segments.Unpin, Throws.Nothing, "nothing to unpin");
    }

    [Test]
    public void A_vector_is_filled_from_exactly_its_length() => Assert.That(
        () => new IoVector(new byte[3]).CopyFrom(new byte[2]),
        Throws.TypeOf<InvariantViolationException>(),
        "too short");

    [Test]
    public void A_slice_outside_the_vector_is_refused([Values(-1, 3)] int start) => Assert.That(
        () => new IoVector(new IoSegments(new byte[1], new byte[2])).Slice(start, 1).Length,
        Throws.InstanceOf<ArgumentException>(),
        "outside");

    [Test]
    public void Vectors_over_the_same_memory_are_equal()
    {
        byte[] array = new byte[4];
        IoVector vector = array;
        Assert.That(vector == new IoVector(array), Is.True, "the same memory");
        Assert.That(vector != new IoVector(new byte[4]), Is.True, "other memory");
        Assert.That(vector.Equals((object)new IoVector(array)), Is.True, "boxed");
        Assert.That(vector.GetHashCode(), Is.EqualTo(new IoVector(array).GetHashCode()), "hashes agree");
    }
}
