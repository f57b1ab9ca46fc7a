using System.Buffers.Binary;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Bitmaps;

/// <summary>Dirty bitmaps that an image keeps.</summary>
[TestFixture]
public sealed class BitmapTests : BitmapTestBase
{
    private const int KiB = 1024;
    private const int HeaderBytes = 112;

    // The last one is laid out like images of others: names of features behind the header, and the extension behind them.
    private static readonly Qcow2CreateOptions[] s_shapes =
    [
        new() { LengthBytes = 256 * KiB, ClusterBits = 9, RefcountOrder = 6 },
        new() { LengthBytes = (256 * KiB) + 512, ClusterBits = 12 },
        new() { LengthBytes = 256 * KiB, ClusterBits = 16 },
    ];

    [Test]
    public void What_was_dirty_when_the_image_was_closed_is_when_it_is_opened([Values(0, 1, 2)] int shape, [Values(512, 65536, 1 << 20)] int granularity) => Fixture.Run(async () =>
    {
        string before;
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[shape]))
        {
            await WriteAsync(backend, 1000, 1, 1);
            await AddAsync(backend, "a", granularity);
            await WriteAsync(backend, 3000, 70 * KiB, 2);
            await AddAsync(backend, "b", granularity, isEnabled: false);
            await backend.WriteZeroesAsync(130 * KiB, 10 * KiB);
            await backend.DiscardAsync(200 * KiB, 8 * KiB);
            before = Describe(backend);
        }

        RequireSound(Disk.Storage.Bytes, "closed");
        await using BlockBackend again = await OpenAsync();
        Assert.That(Describe(again), Is.EqualTo($"{before[(before.IndexOf(';', StringComparison.Ordinal) + 2)..]}; {before[..before.IndexOf(';', StringComparison.Ordinal)]}"), "both, the newer first, as QEMU writes them");
        Assert.That(ImageAudit.Of(Disk.Storage.Bytes).Bitmaps.Select(bitmap => bitmap.Flags), Is.EqualTo(new[] { 0u, 2u }), "not in use before something is written");
    });

    [Test]
    public void They_are_marked_in_use_durably_before_the_first_write_reaches_the_file() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[2]))
        {
            await WriteAsync(backend, 0, 100 * KiB, 1);
            await AddAsync(backend, "a");
        }

        await using BlockBackend again = await OpenAsync();
        await ReadAllAsync(again);
        Assert.That(ImageAudit.Of(Disk.Storage.Bytes).Bitmaps.Single().Flags, Is.EqualTo(2), "reading changes nothing");
        await WriteAsync(again, 0, 512, 2);
        Assert.That(ImageAudit.Of(Disk.BytesAfterPowerLoss()).Bitmaps.Single().Flags, Is.EqualTo(3), "the mark is durable though nothing was flushed");
        await again.Root!.StoreBitmapsAsync();
        Assert.That(ImageAudit.Of(Disk.BytesAfterPowerLoss()).Bitmaps.Single() is { Flags: 2, Set: [0] }, Is.True, "stored");
        await WriteAsync(again, 512, 512, 2);
        Assert.That(ImageAudit.Of(Disk.BytesAfterPowerLoss()).Bitmaps.Single().Flags, Is.EqualTo(3), "marked again by the next write");
    });

    [Test]
    public void One_that_was_in_use_is_inconsistent_and_can_only_be_removed() => Fixture.Run(async () =>
    {
        byte[] image;
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[2]))
        {
            await AddAsync(backend, "a");
            await AddAsync(backend, "b", isEnabled: false);
            await backend.Root!.StoreBitmapsAsync();
            await WriteAsync(backend, 0, 512, 1);
            await backend.FlushAsync();
            image = Disk.BytesAfterPowerLoss();
        }

        Disk.Storage.Replace(image);
        await using (BlockBackend backend = await OpenAsync())
        {
            Assert.That(Describe(backend), Is.EqualTo("b inconsistent; a inconsistent"), "both");
            foreach (Func<Task> change in (Func<Task>[])[() => backend.Root!.ClearBitmapAsync("a"), () => backend.Root!.SetBitmapEnabledAsync("a", true), () => backend.Root!.MergeBitmapsAsync("a", [backend.Root!.GetBitmap("b")])])
            {
                BlockException refusal = await Failure.OfAsync(change);
                Assert.That((refusal.Message, refusal.Hint), Is.EqualTo(("Bitmap 'a' is inconsistent and cannot be used", "Try block-dirty-bitmap-remove to delete this bitmap from disk")), "the refusal");
            }

            Assert.That((await Failure.OfAsync(() => backend.TruncateAsync(512 * KiB))).Message, Does.StartWith("Bitmap 'b' is inconsistent"), "another length");
            await AddAsync(backend, "c");
            await WriteAsync(backend, 1024, 512, 1);
        }

        await using (BlockBackend backend = await OpenAsync())
        {
            Assert.That(Describe(backend), Is.EqualTo("b inconsistent; a inconsistent; c: 1024+512"), "they stay so, beside one that is sound");
            await backend.Root!.RemoveBitmapAsync("b");
            await backend.Root!.RemoveBitmapAsync("a");
        }

        RequireSound(Disk.Storage.Bytes, "in the end");
        await using BlockBackend last = await OpenAsync();
        Assert.That(Describe(last), Is.EqualTo("c: 1024+512"), "removed");
    });

    [Test]
    public void Reopening_read_only_writes_them_and_read_write_marks_them_again() => Fixture.Run(async () =>
    {
        MakeImage(s_shapes[2]);
        BlockNode node = await Fixture.AddAsync("driver=qcow2,node-name=top,file.driver=faulty,file.filename=disk");
        DirtyBitmap bitmap = await node.AddBitmapAsync("a", 512, isPersistent: true);
        await WriteToAsync(node, 512);
        await ReopenAsync(node, isReadOnly: true);
        Assert.That(ImageAudit.Of(Disk.BytesAfterPowerLoss()).Bitmaps.Single() is { Flags: 2, Set: [1] }, Is.True, "written");
        Assert.That((await Failure.OfAsync(() => node.ClearBitmapAsync("a"))).Message, Is.EqualTo("Bitmap 'a' is readonly and cannot be modified"), "read-only");
        await ReopenAsync(node, isReadOnly: false);
        await WriteToAsync(node, 2048);
        Assert.That(ImageAudit.Of(Disk.BytesAfterPowerLoss()).Bitmaps.Single().Flags, Is.EqualTo(3), "in use again");
        Assert.That(Describe(bitmap), Is.EqualTo("a: 512+512 2048+512"), "it went on");
    });

    [Test]
    public void A_bitmap_follows_the_length_of_the_image() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[0]))
        {
            await AddAsync(backend, "a");
            await WriteAsync(backend, 0, 512, 1);
            await WriteAsync(backend, 255 * KiB, 1024, 1);
            await backend.TruncateAsync(8192 * KiB);
            await WriteAsync(backend, 8191 * KiB, 512, 1);
            await backend.TruncateAsync(200 * KiB);
            await backend.TruncateAsync(4096 * KiB);
            await WriteAsync(backend, 4095 * KiB, 512, 1);
        }

        RequireSound(Disk.Storage.Bytes, "closed");
        await using BlockBackend again = await OpenAsync();
        Assert.That(Describe(again), Is.EqualTo($"a: 0+512 {4095 * KiB}+512"), "what was cut off is gone");
    });

    // The image grew after the bitmap was stored: the table is too short, and says that it is in use.
    [Test]
    public void An_image_that_grew_before_the_power_went_is_opened() => Fixture.Run(async () =>
    {
        byte[] image;
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[0]))
        {
            await AddAsync(backend, "a");
            await backend.Root!.StoreBitmapsAsync();
            await backend.TruncateAsync(64 << 20);
            await backend.FlushAsync();
            image = Disk.BytesAfterPowerLoss();
        }

        Disk.Storage.Replace(image);
        await using BlockBackend again = await OpenAsync();
        Assert.That((Describe(again), again.LengthBytes), Is.EqualTo(("a inconsistent", 64L << 20)), "opened");
    });

    [Test]
    public void An_image_with_bitmaps_gets_snapshots_and_does_not_go_back_to_them() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[2]))
        {
            await AddAsync(backend, "a");
            await backend.CreateSnapshotAsync(new ImageSnapshot("", "s"));
            await WriteAsync(backend, 0, 512, 1);
            ImageSnapshot snapshot = backend.Root!.Instance.Snapshots!.All.Single();
            Assert.That((await Failure.OfAsync(() => backend.ApplySnapshotAsync(snapshot))).Message, Is.EqualTo("Device has active dirty bitmaps"), "the refusal");
            await backend.DeleteSnapshotAsync(snapshot);
        }

        RequireSound(Disk.Storage.Bytes, "closed");
        await using BlockBackend again = await OpenAsync();
        Assert.That(Describe(again), Is.EqualTo("a: 0+512"), "the bitmap went on");
    });

    [Test]
    public void What_cannot_be_kept_is_refused() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[2]))
        {
            string name = new('x', 1024);
            Assert.That((await Failure.OfAsync(() => AddAsync(backend, name))).Message, Is.EqualTo($"Can't make bitmap '{name}' persistent in 'top': Name length exceeds maximum (1023 characters)"), "a long name");
            Assert.That((await Failure.OfAsync(() => AddAsync(backend, "a", 4L << 30))).Message, Is.EqualTo("Can't make bitmap 'a' persistent in 'top': Granularity exceeds maximum (2147483648 bytes)"), "large pieces");
            await AddAsync(backend, name[1..], 2L << 30);
            Assert.That((await Failure.OfAsync(() => backend.AmendAsync(new OptionsDictionary { ["compat"] = "0.10" }))).Message, Is.EqualTo("Cannot downgrade an image which has bitmaps"), "an older version");
        }

        RequireSound(Disk.Storage.Bytes, "closed");
        MakeImage(new Qcow2CreateOptions { LengthBytes = 64 * KiB, Version = 2 });
        await using BlockBackend old = await OpenAsync();
        Assert.That((await Failure.OfAsync(() => AddAsync(old, "a"))).Message, Is.EqualTo("Can't make bitmap 'a' persistent in 'top': Cannot store dirty bitmaps in qcow2 v2 files"), "version 2");
        await old.Root!.AddBitmapAsync("a");
    });

    [Test]
    public void Bitmaps_are_nobodys_where_somebody_wrote_who_did_not_know_them() => Fixture.Run(async () =>
    {
        List<string> warnings = [];
        using IDisposable subscription = Fixture.Graph.Events.Subscribe<BlockWarning>(warning => warnings.Add(warning.Message));
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[2]))
        {
            await AddAsync(backend, "a");
        }

        byte[] image = [.. Disk.Storage.Bytes];
        image[95] &= 0xfe;
        Disk.Storage.Replace(image);
        await using (BlockBackend backend = await OpenAsync())
        {
            Assert.That((Describe(backend), warnings.Single()), Is.EqualTo(("", "a program lacking bitmap support modified this file, so all bitmaps are now considered inconsistent")), "none");
            await AddAsync(backend, "b");
        }

        Assert.That(RequireSound(Disk.Storage.Bytes, "closed", mayLeak: true).Bitmaps.Single().Name, Is.EqualTo("b"), "others can be made");
    });

    [TestCase(6u, "a: 0+512", Description = "whoever does not know the extra data may use it")]
    [TestCase(2u, "a inconsistent", Description = "or may not")]
    public void Extra_data_that_nobody_knows_is_kept(uint flags, string expected) => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[2]))
        {
            await AddAsync(backend, "a");
            await WriteAsync(backend, 0, 512, 1);
        }

        Disk.Storage.Replace(WithExtraData([.. Disk.Storage.Bytes], flags));
        await using (BlockBackend backend = await OpenAsync())
        {
            Assert.That(Describe(backend), Is.EqualTo(expected), "opened");
            await WriteAsync(backend, 4096, 512, 1);
        }

        byte[] directory = DirectoryOf(Disk.Storage.Bytes);
        Assert.That((directory[24], directory[39], directory[40]), Is.EqualTo(((byte)0xab, (byte)0xab, (byte)'a')), "the data, and the name behind it");
        Assert.That(RequireSound(Disk.Storage.Bytes, "closed").Bitmaps.Single().Flags & ~1u, Is.EqualTo(flags), "the flags");
    });

    // Zeros there would say that nothing was written.
    [Test]
    public void A_bitmap_that_leads_beyond_the_end_of_the_file_is_inconsistent() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[2]))
        {
            await AddAsync(backend, "a");
            await WriteAsync(backend, 0, 512, 1);
        }

        byte[] image = [.. Disk.Storage.Bytes];
        byte[] directory = DirectoryOf(image);
        BinaryPrimitives.WriteInt64BigEndian(image.AsSpan((int)BinaryPrimitives.ReadInt64BigEndian(directory)), 1L << 40);
        Disk.Storage.Replace(image);
        await using BlockBackend again = await OpenAsync();
        Assert.That(Describe(again), Is.EqualTo("a inconsistent"), "not clean");
    });

    // The file has a few kilobytes, whatever it says of its bitmaps.
    [Test]
    public void An_image_with_more_bitmaps_than_memory_is_refused_before_anything_is_allocated() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(new Qcow2CreateOptions { LengthBytes = 1L << 40, ClusterBits = 16 }))
        {
            for (int i = 0; i < 5; i++)
            {
                await AddAsync(backend, $"b{i}", 64 * KiB);
            }
        }

        byte[] image = [.. Disk.Storage.Bytes];
        (int offset, int length) = PlaceOf(image);
        for (int at = offset; at < offset + length; at += 32)
        {
            // Pieces of 512 bytes, and a table that is long enough, somewhere in the file.
            image[at + 17] = 9;
            BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(at + 8), 1 << 12);
        }

        Disk.Storage.Replace(image);
        long before = GC.GetTotalAllocatedBytes();
        Assert.That((await Failure.OfAsync(() => OpenAsync())).Message, Does.Match("^The bitmaps of the image have [0-9]+ bits, all together may have 8589934592$"), "the refusal");
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(16 << 20), "what that took");
    });

    [Test]
    public void A_check_counts_what_bitmaps_take_and_frees_what_leaks() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[2]))
        {
            await AddAsync(backend, "a");
            await AddAsync(backend, "b");
            await WriteAsync(backend, 0, 512, 1);
        }

        await using (BlockBackend backend = await OpenAsync())
        {
            ImageCheck check = await backend.CheckAsync(new ImageCheckRequest());
            Assert.That((check.CorruptionCount, check.LeakCount), Is.EqualTo((0L, 0L)), "a sound image");
        }

        byte[] image = [.. Disk.Storage.Bytes];
        image[95] &= 0xfe;
        Disk.Storage.Replace(image);
        await using BlockBackend left = await OpenAsync();
        Assert.That((await left.CheckAsync(new ImageCheckRequest { Repairs = ImageRepairs.Leaks })).MendedLeakCount, Is.EqualTo(5), "a directory, two tables, two clusters of bits");
        RequireSound(Disk.Storage.Bytes, "mended");
    });

    [Test]
    public void A_bitmap_with_a_successor_is_written_with_what_that_has() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_shapes[2]))
        {
            DirtyBitmap bitmap = await AddAsync(backend, "a");
            await WriteAsync(backend, 0, 512, 1);
            await backend.Root!.CreateBitmapSuccessorAsync(bitmap);
            await WriteAsync(backend, 1024, 512, 1);
        }

        await using BlockBackend again = await OpenAsync();
        Assert.That(Describe(again), Is.EqualTo("a: 0+512 1024+512"), "nothing is lost");
    });

    private Task ReopenAsync(BlockNode node, bool isReadOnly) =>
        Fixture.Graph.ApplyAsync([GraphEdit.Reopen(node, GraphFixture.Options($"read-only={(isReadOnly ? "on" : "off")}"))]);

    // By a user who then leaves.
    private async Task WriteToAsync(BlockNode node, long offset)
    {
        await using BlockBackend backend = await Fixture.Graph.CreateBackendAsync();
        await backend.InsertAsync(node);
        await WriteAsync(backend, offset, 512, 1);
    }

    private static byte[] DirectoryOf(byte[] image)
    {
        (int offset, int length) = PlaceOf(image);
        return image[offset..(offset + length)];
    }

    // The extension comes first.
    private static (int Offset, int Length) PlaceOf(byte[] image) =>
        ((int)BinaryPrimitives.ReadInt64BigEndian(image.AsSpan(HeaderBytes + 8 + 16)), (int)BinaryPrimitives.ReadInt64BigEndian(image.AsSpan(HeaderBytes + 8 + 8)));

    private static byte[] WithExtraData(byte[] image, uint flags)
    {
        const int ExtraBytes = 16;
        (int offset, int length) = PlaceOf(image);
        BinaryPrimitives.WriteInt64BigEndian(image.AsSpan(HeaderBytes + 8 + 8), length + ExtraBytes);
        Span<byte> entry = image.AsSpan(offset);
        BinaryPrimitives.WriteUInt32BigEndian(entry[12..], flags);
        BinaryPrimitives.WriteInt32BigEndian(entry[20..], ExtraBytes);
        entry[24..length].CopyTo(entry[(24 + ExtraBytes)..]);
        entry.Slice(24, ExtraBytes).Fill(0xab);
        return image;
    }
}
