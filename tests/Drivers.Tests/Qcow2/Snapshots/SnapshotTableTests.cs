using System.Buffers.Binary;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Formats.Qcow2.Snapshots;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Snapshots;

/// <summary>Snapshot tables that cannot be right are refused by name, before anything is taken for them; what is only unknown is kept.</summary>
[TestFixture]
public sealed class SnapshotTableTests : SnapshotTestBase
{
    private const int CountField = 60;
    private const int OffsetField = 64;

    private static readonly Qcow2CreateOptions s_options = new() { LengthBytes = 64 << 10, ClusterBits = 12 };

    private byte[] Image => Disk.Storage.Bytes;

    private int Table => (int)BinaryPrimitives.ReadInt64BigEndian(Image.AsSpan(OffsetField));

    // Where, in the header or behind the beginning of the table, what, and how it is refused.
    [TestCase(true, CountField, 65_537u, "Snapshot table too large")]
    [TestCase(true, CountField, uint.MaxValue, "Snapshot table too large")]
    [TestCase(true, OffsetField + 4, 0x10u, "Snapshot table offset invalid")]
    [TestCase(true, OffsetField, 0xffff_ffffu, "Snapshot table offset invalid")]
    [TestCase(false, 36, 1025u, "Too much extra metadata in snapshot table entry 0")]
    [TestCase(false, 36, uint.MaxValue, "Too much extra metadata in snapshot table entry 0")]
    public void A_table_that_cannot_be_right_is_refused(bool isHeader, int offset, uint value, string refusal) => Fixture.Run(async () =>
    {
        await MakeSnapshotAsync();
        BinaryPrimitives.WriteUInt32BigEndian(Image.AsSpan((isHeader ? 0 : Table) + offset), value);
        BlockException error = await Failure.OfAsync(() => OpenAsync());
        Assert.That(error.Message, Does.EndWith(refusal), "the reason");
    });

    [TestCase(0, 0x10u, "Snapshot L1 table offset invalid")]
    [TestCase(0, 0xffff_ff00u, "Snapshot L1 table offset invalid")]
    [TestCase(8, 0x0040_0001u, "Snapshot L1 table too large")]
    [TestCase(48, 0xffff_ffffu, "Snapshot disk size too large: 18446744069414649856")]
    public void An_entry_that_cannot_be_right_is_refused_when_it_is_used(int offset, uint value, string refusal) => Fixture.Run(async () =>
    {
        await MakeSnapshotAsync();
        BinaryPrimitives.WriteUInt32BigEndian(Image.AsSpan(Table + offset + (value == 0x10 ? 4 : 0)), value);
        byte[] before = (byte[])Image.Clone();
        await using (BlockBackend backend = await OpenAsync())
        {
            BlockException error = await Failure.OfAsync(() => ApplyAsync(backend, "s"));
            Assert.That(error.Message, Is.EqualTo(refusal), "the reason");
        }

        Assert.That(Image, Is.EqualTo(before), "nothing was written");
    });

    [Test]
    public void A_name_that_is_no_text_is_kept_byte_by_byte()
    {
        // An entry of 40 bytes, 16 of extra data, an ID of one byte and a name of two.
        byte[] bytes = new byte[64];
        (bytes[13], bytes[15], bytes[39]) = (1, 2, 16);
        (bytes[56], bytes[57], bytes[58]) = (0xff, 0xfe, (byte)'a');
        Assert.That(SnapshotEntry.TryParse(bytes, out SnapshotEntry entry), Is.True, "it is read");
        byte[] written = new byte[entry.TotalBytes];
        entry.WriteTo(written, 0);
        Assert.That(written[64..67], Is.EqualTo(new byte[] { 0xff, 0xfe, (byte)'a' }), "behind the extra data that is known");
    }

    [Test]
    public void A_cluster_that_is_counted_too_low_is_not_freed_under_its_other_user() => Fixture.Run(async () =>
    {
        // The snapshot has the active L1 table as its own, and nothing counts that.
        await MakeSnapshotAsync();
        BinaryPrimitives.WriteInt64BigEndian(Image.AsSpan(Table), BinaryPrimitives.ReadInt64BigEndian(Image.AsSpan(40)));
        byte[] before = (byte[])Image.Clone();
        await using (BlockBackend backend = await OpenAsync())
        {
            BlockException error = await Failure.OfAsync(() => DeleteAsync(backend, "s"));
            Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.CorruptImage), "the kind");
            Assert.That(error.Message, Does.Contain("check the image"), "the advice");
        }

        Assert.That(Image.AsSpan(0, before.Length).SequenceEqual(before), "the image is as it was");
    });

    [Test]
    public void Extra_data_that_is_not_known_is_kept() => Fixture.Run(async () =>
    {
        // 32 bytes of extra data, of which 8 are unknown: id and name move behind them.
        await MakeSnapshotAsync();
        BinaryPrimitives.WriteInt32BigEndian(Image.AsSpan(Table + 36), 32);
        byte[] extra = [1, 2, 3, 4, 5, 6, 7, 8];
        extra.CopyTo(Image, Table + 64);
        "1s"u8.CopyTo(Image.AsSpan(Table + 72));
        await using (BlockBackend backend = await OpenAsync())
        {
            Assert.That(Names(backend), Is.EqualTo("s"), "it is read");
            await CreateAsync(backend, "t");
        }

        Assert.That(Image.AsSpan(Table + 64, 8).ToArray(), Is.EqualTo(extra), "it is written again");
        await using BlockBackend again = await OpenAsync();
        Assert.That(Names(again), Is.EqualTo("s t"), "both are there");
        RequireSound(Image, "with more in the table");
    });

    [Test]
    public void An_entry_of_version_2_may_be_short() => Fixture.Run(async () =>
    {
        MakeImage(s_options with { Version = 2 });
        await using (BlockBackend backend = await OpenAsync())
        {
            await WriteAsync(backend, 0, 4096, 1);
            await CreateAsync(backend, "s");
        }

        // No extra data at all: the length of the disk is the image's.
        BinaryPrimitives.WriteInt32BigEndian(Image.AsSpan(Table + 36), 0);
        "1s"u8.CopyTo(Image.AsSpan(Table + 40));
        BinaryPrimitives.WriteUInt32BigEndian(Image.AsSpan(Table + 32), 123);
        await using BlockBackend again = await OpenAsync();
        Assert.That(Find(again, "s").VmStateBytes, Is.EqualTo(123), "the length of the state in 32 bits");
        Assert.That(Find(again, "s").InstructionCount, Is.Null, "no count");
        await ApplyAsync(again, "s");
        Assert.That(again.LengthBytes, Is.EqualTo(64 << 10), "the length of the disk");
    });

    private async Task MakeSnapshotAsync()
    {
        await using BlockBackend backend = await MakeAndOpenAsync(s_options);
        await WriteAsync(backend, 0, 20_000, 1);
        await CreateAsync(backend, "s");
    }
}
