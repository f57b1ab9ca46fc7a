using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Bitmaps;

/// <summary>The dirty bitmaps of a node: what marks, and what changes them.</summary>
[TestFixture]
public sealed class NodeBitmapTests : GraphTests
{
    private const int KiB = 1024;

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver()]);

    // backend ─ n(memory)
    [Test]
    public void Writes_zero_writes_and_discards_mark_and_reads_do_not() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=n,discard=unmap");
        DirtyBitmap bitmap = await backend.Root!.AddBitmapAsync("b", 4 * KiB);
        await backend.WriteAsync(0, new byte[1]);
        await backend.WriteZeroesAsync(64 * KiB, 8 * KiB);
        await backend.DiscardAsync(128 * KiB, 4 * KiB);
        await backend.ReadAsync(256 * KiB, new byte[4 * KiB]);
        await backend.FlushAsync();
        Assert.That(DirtyOf(bitmap), Is.EqualTo(new[] { 0L, 64 * KiB, 68 * KiB, 128 * KiB }), "what was written, zeroed and discarded");
    });

    [Test]
    public void A_discard_that_is_ignored_marks_nothing() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=n");
        DirtyBitmap bitmap = await backend.Root!.AddBitmapAsync("b", 4 * KiB);
        await backend.DiscardAsync(0, 4 * KiB);
        Assert.That(bitmap.DirtyBytes, Is.Zero, "nothing was discarded");
    });

    // A part of it may have been written.
    [Test]
    public void A_write_that_fails_marks_too() => Fixture.Run(async () =>
    {
        Fixture.Faulty.Disk("disk").FailNth(1, StorageCall.Write);
        await using BlockBackend backend = await Fixture.OpenAsync("driver=faulty,filename=disk,node-name=n");
        DirtyBitmap bitmap = await backend.Root!.AddBitmapAsync("b", 4 * KiB);
        await Failure.OfRequestAsync(() => backend.WriteAsync(8 * KiB, new byte[512]));
        Assert.That(DirtyOf(bitmap), Is.EqualTo(new[] { 8L * KiB }), "what it was about");
    });

    // backend ─ top(pass-through) ─ n(memory)
    [Test]
    public void A_filter_with_a_bitmap_is_not_skipped_and_one_below_is_marked_as_well() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,node-name=top,file.driver=memory,file.filename=disk,file.node-name=n,discard=unmap,file.discard=unmap");
        DirtyBitmap above = await backend.Root!.AddBitmapAsync("b", 4 * KiB);
        DirtyBitmap below = await Fixture.Graph.FindNode("n")!.AddBitmapAsync("b", 4 * KiB);
        await backend.WriteAsync(0, new byte[512]);
        await backend.WriteZeroesAsync(16 * KiB, 4 * KiB);
        await backend.DiscardAsync(32 * KiB, 4 * KiB);
        Assert.That(DirtyOf(above), Is.EqualTo(new[] { 0L, 16 * KiB, 32 * KiB }), "at the filter");
        Assert.That(DirtyOf(below), Is.EqualTo(DirtyOf(above)), "at what it filters");
        await backend.Root!.SetBitmapEnabledAsync("b", false);
        await backend.WriteAsync(64 * KiB, new byte[512]);
        Assert.That((above.IsDirty(64 * KiB), below.IsDirty(64 * KiB)), Is.EqualTo((false, true)), "disabled above only");
    });

    // backend ─ n(raw, offset 64k) ─ memory
    [Test]
    public void Each_layer_marks_in_its_own_offsets() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=raw,offset=65536,file.driver=memory,file.filename=disk,file.node-name=n");
        DirtyBitmap above = await backend.Root!.AddBitmapAsync("b", 4 * KiB);
        DirtyBitmap below = await Fixture.Graph.FindNode("n")!.AddBitmapAsync("b", 4 * KiB);
        await backend.WriteAsync(0, new byte[512]);
        Assert.That((DirtyOf(above).Single(), DirtyOf(below).Single()), Is.EqualTo((0L, 64L * KiB)), "shifted");
    });

    // A write that flies when the bitmap is asked for lands before it is there, or is marked.
    [Test]
    public void No_write_that_lands_later_goes_unmarked() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=scripted,size=1M,node-name=n");
        Task flying = backend.WriteAsync(0, new byte[512]).AsTask();
        Task<DirtyBitmap> adding = backend.Root!.AddBitmapAsync("b", 4 * KiB);
        await Fixture.Context.YieldAsync();
        Assert.That(adding.IsCompleted, Is.False, "it waits for what flies");
        Fixture.Scripted.Pending[0].Succeed();
        await flying;
        DirtyBitmap bitmap = await adding;
        Task later = backend.WriteAsync(8 * KiB, new byte[512]).AsTask();
        Assert.That(bitmap.DirtyBytes, Is.Zero, "it is marked when it is over");
        Fixture.Scripted.Pending[0].Succeed();
        await later;
        Assert.That(DirtyOf(bitmap), Is.EqualTo(new[] { 8L * KiB }), "the later one");
    });

    [Test]
    public void A_bitmap_grows_and_shrinks_with_the_node() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=n");
        DirtyBitmap bitmap = await backend.Root!.AddBitmapAsync("b", 64 * KiB);
        await backend.WriteAsync(0, new byte[1]);
        await backend.WriteAsync(960 * KiB, new byte[1]);
        await backend.TruncateAsync(2048 * KiB);
        Assert.That((bitmap.LengthBytes, bitmap.DirtyBytes), Is.EqualTo((2048L * KiB, 128L * KiB)), "what it grows by is clean");
        await backend.WriteAsync(1984 * KiB, new byte[1]);
        await backend.TruncateAsync(512 * KiB);
        await backend.TruncateAsync(2048 * KiB);
        Assert.That(DirtyOf(bitmap), Is.EqualTo(new[] { 0L }), "what was cut off is forgotten");
    });

    // The writes of a format make its file longer: backend ─ cow ─ n(memory)
    [Test]
    public void A_write_that_makes_the_node_longer_marks_all_of_itself() => Fixture.Run(async () =>
    {
        CowImage.Format(Fixture.Memory.Storage("disk"), new CowImageOptions(1024 * KiB));
        await using BlockBackend backend = await Fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=disk,file.node-name=n");
        BlockNode file = Fixture.Graph.FindNode("n")!;
        DirtyBitmap bitmap = await file.AddBitmapAsync("b", 512);
        long before = file.LengthBytes;
        byte[] old = [.. Fixture.Memory.Storage("disk").Bytes.AsSpan(0, (int)before)];
        await backend.WriteAsync(0, Filled(64 * KiB));
        await backend.FlushAsync();
        Assert.That(file.LengthBytes, Is.GreaterThan(before), "it has become longer");
        Assert.That(bitmap.LengthBytes, Is.EqualTo(file.LengthBytes), "and the bitmap with it");
        byte[] now = Fixture.Memory.Storage("disk").Bytes;
        for (int at = 0; at < now.Length; at++)
        {
            if (now[at] != (at < old.Length ? old[at] : 0) && !bitmap.IsDirty(at))
            {
                Assert.Fail($"byte {at} is another and not dirty");
            }
        }
    });

    [Test]
    public void What_cannot_be_added_is_refused() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=n");
        BlockNode node = backend.Root!;
        await node.AddBitmapAsync("b");
        await AssertRefusedAsync(() => node.AddBitmapAsync(""), "Bitmap name cannot be empty");
        await AssertRefusedAsync(() => node.AddBitmapAsync("b"), "Bitmap already exists: b");
        await AssertRefusedAsync(() => node.AddBitmapAsync("c", 1000), "Granularity must be power of 2 and at least 512");
        await AssertRefusedAsync(() => node.AddBitmapAsync("c", isPersistent: true), "Can't store persistent bitmaps to n: Operation not supported");
        string name = new('x', 1024);
        await AssertRefusedAsync(() => node.AddBitmapAsync(name), $"Bitmap name too long: {name}");
        await AssertRefusedAsync(() => node.RemoveBitmapAsync("c"), "Dirty bitmap 'c' not found");
        await AssertRefusedAsync(() => node.MergeBitmapsAsync("c", [node.GetBitmap("b")]), "Dirty bitmap 'c' not found");
        Assert.That(node.Bitmaps.Named.Select(bitmap => bitmap.Name), Is.EqualTo(new[] { "b" }), "the list is as it was");
    });

    [Test]
    public void Merging_takes_all_sources_or_none() => Fixture.Run(async () =>
    {
        await using BlockBackend first = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=n");
        Fixture.Memory.Storage("other", 2048 * KiB);
        await using BlockBackend second = await Fixture.OpenAsync("driver=memory,filename=other,node-name=m");
        DirtyBitmap target = await first.Root!.AddBitmapAsync("target", 4 * KiB, isEnabled: false);
        DirtyBitmap source = await first.Root!.AddBitmapAsync("source", 64 * KiB);
        await first.WriteAsync(0, new byte[512]);
        DirtyBitmap foreign = await second.Root!.AddBitmapAsync("foreign");
        await AssertRefusedAsync(() => first.Root!.MergeBitmapsAsync("target", [source, foreign]),
            "Bitmaps are of different sizes (destination size is 1048576, source size is 2097152) and can't be merged");
        Assert.That(target.DirtyBytes, Is.Zero, "nothing of the first source");
        await first.Root!.MergeBitmapsAsync("target", [source, target]);
        Assert.That(target.DirtyBytes, Is.EqualTo(64 * KiB), "merged");
        await first.Root!.ClearBitmapAsync("target");
        Assert.That((target.DirtyBytes, source.DirtyBytes), Is.EqualTo((0L, 64L * KiB)), "cleared");
    });

    [Test]
    public void Changes_that_come_at_once_come_one_after_the_other() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=scripted,size=1M,node-name=n");
        Task flying = backend.WriteAsync(0, new byte[512]).AsTask();
        Task<DirtyBitmap> first = backend.Root!.AddBitmapAsync("b");
        Task<BlockException> second = Failure.OfAsync(() => backend.Root!.AddBitmapAsync("b"));
        Task third = backend.Root!.RemoveBitmapAsync("b");
        Fixture.Scripted.Pending[0].Succeed();
        await flying;
        await first;
        Assert.That((await second).Message, Is.EqualTo("Bitmap already exists: b"), "the second finds the first");
        await third;
        Assert.That(backend.Root!.Bitmaps.All, Is.Empty, "and the third has removed it");
    });

    // A successor follows writes while an operation has the bitmap.
    [Test]
    public void An_operation_that_fails_gives_the_bitmap_back_with_what_was_written_meanwhile([Values] bool fails) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=n");
        BlockNode node = backend.Root!;
        DirtyBitmap bitmap = await node.AddBitmapAsync("b", 4 * KiB);
        await backend.WriteAsync(0, new byte[1]);
        await node.CreateBitmapSuccessorAsync(bitmap);
        await backend.WriteAsync(64 * KiB, new byte[1]);
        await AssertRefusedAsync(() => node.RemoveBitmapAsync("b"), "Bitmap 'b' is currently in use by another operation and cannot be used");
        if (fails)
        {
            await node.ReclaimBitmapAsync(bitmap);
        }
        else
        {
            await node.AbdicateBitmapAsync(bitmap);
        }

        Assert.That(DirtyOf(node.GetBitmap("b")), Is.EqualTo(fails ? [0L, 64L * KiB] : new[] { 64L * KiB }), "what there is to do next time");
    });

    private static byte[] Filled(int count)
    {
        byte[] bytes = new byte[count];
        Array.Fill(bytes, (byte)7);
        return bytes;
    }

    private static List<long> DirtyOf(DirtyBitmap bitmap)
    {
        List<long> offsets = [];
        for (long at = 0; at < bitmap.LengthBytes; at += bitmap.GranularityBytes)
        {
            if (bitmap.IsDirty(at))
            {
                offsets.Add(at);
            }
        }

        return offsets;
    }
}
