using System.Buffers.Binary;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Snapshots;

/// <summary>A snapshot whose tables are not its own any more is not applied, and nothing is written: what the image has now would be lost for it.</summary>
[TestFixture]
public sealed class SnapshotDamageTests : SnapshotTestBase
{
    private const int Length = 1 << 20;
    private const long BeyondEnd = 1L << 40;
    private const int SnapshotsField = 64;
    private const int ActiveTopField = 40;

    [TestCase("its L1 table lies beyond the end of the file", "lies where nothing is used; check the image")]
    [TestCase("its L1 table leads beyond the end of the file", "is used more often than its reference count of 0 says; check the image")]
    [TestCase("its L1 table is the active one", "is a snapshot's too; check the image")]
    [TestCase("a cluster that it has is not counted", "is used more often than its reference count of 0 says; check the image")]
    public void A_snapshot_that_has_lost_its_tables_is_not_applied(string damage, string refusal) => Fixture.Run(async () =>
    {
        await using (BlockBackend prepared = await MakeAndOpenAsync(new Qcow2CreateOptions { LengthBytes = Length }))
        {
            await WriteAsync(prepared, 0, 128 << 10, 1);
            await CreateAsync(prepared, "s");
            await WriteAsync(prepared, 0, 64 << 10, 2);
        }

        Spoil(Disk.Storage.Bytes, damage);
        byte[] before = (byte[])Disk.Storage.Bytes.Clone();
        await using (BlockBackend backend = await OpenAsync())
        {
            BlockException error = await Failure.OfAsync(() => ApplyAsync(backend, "s"));
            Assert.That(error.Message, Does.EndWith(refusal), "the reason");
            Assert.That((await ReadAllAsync(backend)).Take(64 << 10), Is.All.EqualTo(2), "what the image has");
        }

        Assert.That(Disk.Storage.Bytes.AsSpan().SequenceEqual(before), Is.True, "nothing was written");
    });

    [TestCase("its L1 table is not aligned", BlockErrorKind.CorruptImage, "Snapshot L1 table offset invalid")]
    [TestCase("its L1 table is too large", BlockErrorKind.TooLarge, "Snapshot L1 table too large")]
    public void Nothing_is_written_where_all_tables_must_be_known_and_a_snapshots_are_not(string damage, BlockErrorKind kind, string refusal) => Fixture.Run(async () =>
    {
        await using (BlockBackend prepared = await MakeAndOpenAsync(new Qcow2CreateOptions { LengthBytes = Length }))
        {
            await WriteAsync(prepared, 0, 64 << 10, 1);
            await CreateAsync(prepared, "s");
        }

        Spoil(Disk.Storage.Bytes, damage);
        byte[] before = (byte[])Disk.Storage.Bytes.Clone();
        await using (BlockBackend backend = await OpenAsync(",overlap-check.inactive-l2=on"))
        {
            BlockException error = await Failure.OfAsync(() => WriteAsync(backend, 0, 4096, 2));
            Assert.That(error.Message, Is.EqualTo($"Node 'top': overlap-check.inactive-l2 needs the tables of snapshot 's': {refusal}"), "the reason");
            Assert.That(error.Kind, Is.EqualTo(kind), "its kind");
            Assert.That(await ReadAllAsync(backend), Has.Exactly(64 << 10).EqualTo(1), "what it reads");
        }

        Assert.That(Disk.Storage.Bytes.AsSpan().SequenceEqual(before), Is.True, "nothing was written");
        await using BlockBackend careless = await OpenAsync();
        await WriteAsync(careless, 0, 4096, 2);
    });

    private static void Spoil(byte[] image, string damage)
    {
        int entry = (int)Get(image, SnapshotsField);
        int top = (int)Get(image, entry);
        switch (damage)
        {
            case "its L1 table lies beyond the end of the file":
                Put(image, entry, BeyondEnd);
                break;
            case "its L1 table leads beyond the end of the file":
                Put(image, top, BeyondEnd);
                break;
            case "its L1 table is not aligned":
                Put(image, entry, 0x400200);
                break;
            case "its L1 table is too large":
                BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(entry + 8), 0x10000000);
                break;
            case "its L1 table is the active one":
                Put(image, entry, Get(image, ActiveTopField));
                break;
            default:
                int table = (int)(Get(image, top) & (long)Qcow2Geometry.OffsetMask);
                int cluster = (int)((Get(image, table) & (long)Qcow2Geometry.OffsetMask) >> 16);
                int counts = (int)Get(image, (int)Get(image, 48));
                image.AsSpan(counts + (cluster * 2), 2).Clear();
                break;
        }
    }

    private static long Get(byte[] image, int offset) => BinaryPrimitives.ReadInt64BigEndian(image.AsSpan(offset));

    private static void Put(byte[] image, int offset, long value) => BinaryPrimitives.WriteInt64BigEndian(image.AsSpan(offset), value);
}
