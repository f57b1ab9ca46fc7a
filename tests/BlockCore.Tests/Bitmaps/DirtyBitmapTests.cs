using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Tests.Bitmaps;

/// <summary>One dirty bitmap, and the list of a node's, without a node.</summary>
[TestFixture]
public sealed class DirtyBitmapTests
{
    private const int KiB = 1024;
    private const int LengthBytes = (1024 * KiB) + 100;

    private int _changeCount;
    private DirtyBitmapSet _set = null!;

    [SetUp]
    public void CreateSet()
    {
        _changeCount = 0;
        _set = new DirtyBitmapSet(() => _changeCount++);
    }

    [TestCase(0)]
    [TestCase(511)]
    [TestCase(256)]
    [TestCase(513)]
    [TestCase(-4096)]
    public void A_granularity_that_is_no_power_of_two_from_512_on_is_refused(long granularityBytes) =>
        Assert.That(Assert.Throws<BlockException>(() => _ = new DirtyBitmap("a", granularityBytes, LengthBytes))!.Message, Is.EqualTo("Granularity must be power of 2 and at least 512"), "the refusal");

    [Test]
    public void A_bitmap_of_more_bits_than_there_may_be_is_refused_before_anything_is_allocated() =>
        Assert.That(Assert.Throws<BlockException>(() => _ = new DirtyBitmap("a", 512, long.MaxValue / 2))!.Kind, Is.EqualTo(BlockErrorKind.TooLarge), "the refusal");

    [Test]
    public void What_is_marked_is_dirty_in_whole_pieces_up_to_the_end()
    {
        DirtyBitmap bitmap = new("a", 64 * KiB, LengthBytes);
        bitmap.MarkDirty(70 * KiB, 1);
        bitmap.MarkDirty(LengthBytes - 1, 500 * KiB);
        bitmap.MarkDirty(LengthBytes + 5, 1);
        bitmap.MarkDirty(3, 0);
        Assert.That(bitmap.DirtyBytes, Is.EqualTo(2 * 64 * KiB), "two pieces, the last of them short");
        Assert.That(bitmap.TryFindDirty(0, LengthBytes, long.MaxValue, out long start, out long length), Is.True, "something is dirty");
        Assert.That((start, length), Is.EqualTo((64L * KiB, 64L * KiB)), "the first piece");
        Assert.That(bitmap.TryFindDirty(100 * KiB, LengthBytes - (100 * KiB), 1000, out start, out length), Is.True, "from within a piece");
        Assert.That((start, length), Is.EqualTo((100L * KiB, 1000L)), "as much as asked for");
        Assert.That(bitmap.TryFindDirty(128 * KiB, LengthBytes - (128 * KiB), long.MaxValue, out start, out length), Is.True, "the last piece");
        Assert.That((start, length), Is.EqualTo((1024L * KiB, 100L)), "ends with the image");
        Assert.That((bitmap.NextDirty(70 * KiB, KiB), bitmap.NextDirty(128 * KiB, KiB), bitmap.NextClean(70 * KiB, 58 * KiB), bitmap.NextClean(70 * KiB, 59 * KiB)),
            Is.EqualTo((70L * KiB, -1L, -1L, 128L * KiB)), "next dirty and clean bytes");
    }

    [Test]
    public void Only_whole_pieces_are_cleaned()
    {
        DirtyBitmap bitmap = new("a", 64 * KiB, LengthBytes);
        bitmap.MarkDirty(0, LengthBytes);
        bitmap.MarkClean(1, (128 * KiB) - 1);
        Assert.That((bitmap.IsDirty(0), bitmap.IsDirty(64 * KiB), bitmap.IsDirty(128 * KiB)), Is.EqualTo((true, false, true)), "a piece that was cut stays dirty");
        bitmap.MarkClean(1024 * KiB, 100);
        Assert.That(bitmap.IsDirty(LengthBytes - 1), Is.False, "the image's last piece is short");
    }

    [Test]
    public void Bitmaps_of_different_granularities_are_merged()
    {
        DirtyBitmap coarse = new("coarse", 128 * KiB, LengthBytes);
        DirtyBitmap fine = new("fine", 4 * KiB, LengthBytes);
        fine.MarkDirty(130 * KiB, 1);
        coarse.MarkDirty(1000 * KiB, 1);
        coarse.MergeFrom(fine);
        Assert.That(coarse.DirtyBytes, Is.EqualTo(2 * 128 * KiB), "the piece that the fine one touches");
        fine.MergeFrom(coarse);
        Assert.That(fine.DirtyBytes, Is.EqualTo(2 * 128 * KiB), "all of the coarse pieces");
        Assert.That((fine.IsDirty(128 * KiB), fine.IsDirty((256 * KiB) - 1), fine.IsDirty(256 * KiB)), Is.EqualTo((true, true, false)), "in their place");
    }

    [Test]
    public void Bitmaps_of_images_of_different_lengths_are_not_merged() =>
        Assert.That(Assert.Throws<BlockException>(() => new DirtyBitmap("a", 512, 1024).ThrowIfNotMergeable(new DirtyBitmap("b", 512, 2048)))!.Message,
            Is.EqualTo("Bitmaps are of different sizes (destination size is 1024, source size is 2048) and can't be merged"), "the refusal");

    [Test]
    public void A_state_that_forbids_a_use_is_told_of()
    {
        DirtyBitmap bitmap = new("b0", 512, 1024) { IsInconsistent = true };
        BlockException refusal = Assert.Throws<BlockException>(() => bitmap.ThrowIfUnusable())!;
        Assert.That((refusal.Message, refusal.Hint), Is.EqualTo(("Bitmap 'b0' is inconsistent and cannot be used", "Try block-dirty-bitmap-remove to delete this bitmap from disk")), "inconsistent");
        Assert.That(() => bitmap.ThrowIfUnusable(mayBeInconsistent: true), Throws.Nothing, "it can be removed");
        bitmap.IsReadOnly = true;
        Assert.That(Assert.Throws<BlockException>(() => bitmap.ThrowIfUnusable(mayBeInconsistent: true))!.Message, Is.EqualTo("Bitmap 'b0' is readonly and cannot be modified"), "read-only");
        DirtyBitmap busy = new("b1", 512, 1024);
        busy.SetBusy(true);
        Assert.That(Assert.Throws<BlockException>(() => busy.ThrowIfUnusable())!.Message, Is.EqualTo("Bitmap 'b1' is currently in use by another operation and cannot be used"), "busy");
        Assert.That(() => busy.SetBusy(true), Throws.InstanceOf<BlockException>(), "busy twice");
        busy.SetBusy(false);
        Assert.That(() => busy.ThrowIfUnusable(), Throws.Nothing, "not busy any more");
    }

    [Test]
    public void Who_carries_out_requests_hears_of_the_first_that_records_and_of_the_last()
    {
        DirtyBitmap first = Add("first");
        DirtyBitmap second = Add("second");
        Assert.That((_changeCount, _set.IsRecording), Is.EqualTo((1, true)), "with the first");
        _set.SetEnabled(first, false);
        Assert.That(_changeCount, Is.EqualTo(1), "one is left");
        _set.RecordWrite(0, 1);
        Assert.That((first.DirtyBytes, second.DirtyBytes), Is.EqualTo((0L, 512L)), "who is disabled keeps what it has");
        _set.Remove(second);
        Assert.That((_changeCount, _set.IsRecording), Is.EqualTo((2, false)), "with the last");
    }

    // b ─ successor      writes go to the successor
    [Test]
    public void A_successor_that_is_reclaimed_is_added_to_what_there_was()
    {
        DirtyBitmap bitmap = Add("b");
        _set.RecordWrite(0, 1);
        DirtyBitmap successor = _set.CreateSuccessor(bitmap);
        _set.RecordWrite(1024, 1);
        Assert.That((bitmap.IsBusy, bitmap.IsRecording, bitmap.DirtyBytes, successor.DirtyBytes), Is.EqualTo((true, false, 512L, 512L)), "while the operation has it");
        Assert.That(() => _set.CreateSuccessor(bitmap), Throws.InstanceOf<BlockException>(), "one successor at a time");
        Assert.That(_set.Named, Is.EqualTo(new[] { bitmap }), "the successor has no name");
        _set.Reclaim(bitmap);
        _set.RecordWrite(2048, 1);
        Assert.That((bitmap.IsBusy, bitmap.IsRecording, bitmap.DirtyBytes), Is.EqualTo((false, true, 3 * 512L)), "afterwards");
        Assert.That(_set.All, Is.EqualTo(new[] { bitmap }), "the successor is gone");
    }

    [Test]
    public void A_successor_takes_the_place_and_the_name_of_one_that_abdicates()
    {
        DirtyBitmap bitmap = Add("b");
        _set.RecordWrite(0, 1);
        DirtyBitmap successor = _set.CreateSuccessor(bitmap);
        _set.RecordWrite(1024, 1);
        Assert.That(_set.Abdicate(bitmap), Is.SameAs(successor), "the successor");
        Assert.That((successor.Name, successor.IsRecording, successor.DirtyBytes), Is.EqualTo(("b", true, 512L)), "what was written since");
        Assert.That(_set.All, Is.EqualTo(new[] { successor }), "the old one is gone");
    }

    [Test]
    public void A_successor_of_one_that_is_disabled_records_nothing()
    {
        DirtyBitmap bitmap = Add("b", isEnabled: false);
        DirtyBitmap successor = _set.CreateSuccessor(bitmap);
        _set.RecordWrite(0, 1);
        _set.Reclaim(bitmap);
        Assert.That((successor.DirtyBytes, bitmap.DirtyBytes, bitmap.IsEnabled), Is.EqualTo((0L, 0L, false)), "as before");
    }

    private DirtyBitmap Add(string name, bool isEnabled = true)
    {
        DirtyBitmap bitmap = new(name, 512, 4096) { IsEnabled = isEnabled };
        _set.Add(bitmap);
        return bitmap;
    }
}
