using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Bitmaps;

/// <summary>Bits under a pyramid, beside an array of booleans.</summary>
[TestFixture]
public sealed class HierarchicalBitmapTests
{
    [Test]
    public void It_agrees_with_an_array_of_booleans([Values(1, 63, 64, 65, 4095, 4096, 4097, 300_000)] int bitCount, [Range(1, 6)] int seed)
    {
        SeededRandom chance = new((ulong)((seed * 1_000_003L) + bitCount));
        HierarchicalBitmap bitmap = new(bitCount);
        bool[] model = new bool[bitCount];
        for (int step = 0; step < 60; step++)
        {
            int start = chance.Next(bitCount);
            int count = chance.Next(Math.Min(bitCount - start, chance.OneIn(4) ? bitCount : 200) + 1);
            bool isSet = !chance.OneIn(3);
            bool isChanged = model.AsSpan(start, count).Contains(!isSet);
            Assert.That(isSet ? bitmap.SetRange(start, count) : bitmap.ResetRange(start, count), Is.EqualTo(isChanged), $"step {step}: something changed");
            model.AsSpan(start, count).Fill(isSet);
            Assert.That(bitmap.SetCount, Is.EqualTo(model.Count(bit => bit)), $"step {step}: the count");
            AssertSame(bitmap, model, chance, $"step {step}");
        }
    }

    [Test]
    public void It_keeps_what_is_left_when_it_is_resized([Range(1, 20)] int seed)
    {
        SeededRandom chance = new((ulong)seed);
        HierarchicalBitmap bitmap = new(1000);
        bool[] model = new bool[1000];
        for (int step = 0; step < 30; step++)
        {
            int start = chance.Next(model.Length + 1);
            int count = chance.Next(model.Length - start + 1);
            bitmap.SetRange(start, count);
            model.AsSpan(start, count).Fill(true);
            int length = chance.OneIn(10) ? 0 : chance.Next(9000);
            bitmap.Resize(length);
            Array.Resize(ref model, length);
            Assert.That((bitmap.BitCount, bitmap.SetCount), Is.EqualTo(((long)length, (long)model.Count(bit => bit))), $"step {step}: counts");
            AssertSame(bitmap, model, chance, $"step {step}");
        }
    }

    [Test]
    public void Merging_adds_what_is_set_in_the_other([Range(1, 10)] int seed)
    {
        SeededRandom chance = new((ulong)seed);
        (HierarchicalBitmap bitmap, bool[] model) = Create(chance, 20_000);
        (HierarchicalBitmap other, bool[] otherModel) = Create(chance, 20_000);
        bool[] both = [.. model.Zip(otherModel, (first, second) => first | second)];
        Assert.That(bitmap.MergeFrom(other), Is.EqualTo(!both.SequenceEqual(model)), "something changed");
        Assert.That(bitmap.MergeFrom(other), Is.False, "a second time nothing does");
        Assert.That(bitmap.SetCount, Is.EqualTo(both.Count(bit => bit)), "the count");
        AssertSame(bitmap, both, chance, "merged");
    }

    [Test]
    public void What_is_serialised_in_pieces_is_the_same_when_it_is_read([Values(1, 100, 512 * 8, (512 * 8 * 3) + 1)] int bitCount, [Range(1, 5)] int seed)
    {
        const int PieceBytes = 512;
        SeededRandom chance = new((ulong)seed);
        (HierarchicalBitmap bitmap, bool[] model) = Create(chance, bitCount);
        (HierarchicalBitmap copy, _) = Create(chance, bitCount);
        for (long bit = 0; bit < bitCount; bit += PieceBytes * 8)
        {
            byte[] piece = new byte[PieceBytes];
            Array.Fill(piece, (byte)0xee);
            bool isAny = bitmap.Serialise(bit, piece);
            Assert.That(isAny, Is.EqualTo(piece.Any(value => value != 0)), "any bit is set");
            for (int i = 0; i < PieceBytes * 8; i++)
            {
                Assert.That((piece[i / 8] >> (i % 8) & 1) != 0, Is.EqualTo(bit + i < bitCount && model[bit + i]), $"bit {bit + i} in its place, and zeros behind the end");
            }

            piece[^1] |= (byte)(bit + (PieceBytes * 8) > bitCount ? 0xff : 0);
            copy.Deserialise(bit, piece);
        }

        Assert.That(copy.SetCount, Is.EqualTo(bitmap.SetCount), "the count");
        AssertSame(copy, model, chance, "read back");
    }

    [Test]
    public void A_long_and_nearly_empty_bitmap_is_searched_by_its_levels()
    {
        HierarchicalBitmap bitmap = new(HierarchicalBitmap.BitCountMax / 8);
        bitmap.SetRange(bitmap.BitCount - 1, 1);
        Assert.That(bitmap.NextSet(0, bitmap.BitCount), Is.EqualTo(bitmap.BitCount - 1), "the last bit");
        Assert.That(bitmap.NextSet(0, bitmap.BitCount - 1), Is.EqualTo(-1), "nothing before it");
        bitmap.ResetRange(0, bitmap.BitCount);
        Assert.That(bitmap.NextSet(0, bitmap.BitCount), Is.EqualTo(-1), "nothing at all");
        Assert.That(() => new HierarchicalBitmap(HierarchicalBitmap.BitCountMax + 1), Throws.InstanceOf<ArgumentOutOfRangeException>(), "one that is too long");
    }

    private static (HierarchicalBitmap Bitmap, bool[] Model) Create(SeededRandom chance, int bitCount)
    {
        HierarchicalBitmap bitmap = new(bitCount);
        bool[] model = new bool[bitCount];
        for (int i = 0; i < 10; i++)
        {
            int start = chance.Next(bitCount);
            int count = chance.Next(bitCount - start + 1);
            bool isSet = chance.OneIn(2);
            _ = isSet ? bitmap.SetRange(start, count) : bitmap.ResetRange(start, count);
            model.AsSpan(start, count).Fill(isSet);
        }

        return (bitmap, model);
    }

    private static void AssertSame(HierarchicalBitmap bitmap, bool[] model, SeededRandom chance, string when)
    {
        for (int i = 0; i < 10; i++)
        {
            int from = chance.Next(model.Length + 1);
            int end = from + chance.Next(model.Length - from + 1);
            Assert.That(bitmap.NextSet(from, end), Is.EqualTo(Find(true, from, end)), $"{when}: next set of {from} to {end}");
            Assert.That(bitmap.NextClear(from, end), Is.EqualTo(Find(false, from, end)), $"{when}: next clear of {from} to {end}");
            int most = 1 + chance.Next(100);
            bool isFound = bitmap.TryFindRun(from, end, most, out long start, out long count);
            long expectedStart = Find(true, from, end);
            Assert.That(isFound, Is.EqualTo(expectedStart >= 0), $"{when}: a run of {from} to {end}");
            if (isFound)
            {
                long clear = Find(false, (int)expectedStart, end);
                Assert.That((start, count), Is.EqualTo((expectedStart, Math.Min((clear < 0 ? end : clear) - expectedStart, most))), $"{when}: the run of {from} to {end}");
            }

            if (from < model.Length)
            {
                Assert.That(bitmap[from], Is.EqualTo(model[from]), $"{when}: bit {from}");
            }
        }

        long Find(bool value, int from, int end)
        {
            int index = model.AsSpan(from, end - from).IndexOf(value);
            return index < 0 ? -1 : from + index;
        }
    }
}
