namespace BlockGraph.Drivers.Tests.Qcow2.Damage;

/// <content>Reference counts, snapshots, bitmaps, and the file itself.</content>
internal static partial class DamageCases
{
    private static IEnumerable<DamageCase> Refcounts() =>
    [
        Block("R01", static (e, _) => e | 1), Block("R02", static (e, _) => e + 512), Block("R03", static (_, _) => 1UL << 40), Block("R04", static (_, _) => 0),
        Block("R05", static (_, q) => (ulong)q.Table), Block("R06", static (_, q) => (ulong)q.L1), Block("R07", static (_, _) => 1UL << 63),
        Case("R08", "v3", q => q.Put(q.Table + 8, 8, (ulong)q.Block)),
        Count("R10", static q => q.Data, 0), Count("R11", static q => q.Data, 2), Count("R12", static q => q.Data, 65535), Count("R13", static _ => 0, 0), Count("R14", static q => q.L1, 0),
        Count("R15", static q => q.L2, 0), Count("R16", static q => q.Block, 0), Count("R17", static q => 100L * q.ClusterBytes, 1),
        Case("R18", "v3", q => q.Write(q.Block, new byte[65536])), Case("R19", "v3", q => q.Write(q.Block, Filled(65536, 0xff))),
        Case("R20", "lazy", q =>
        {
            q.Put(72, 8, 1);
            q.Put(q.Block + (2 * (q.Data / q.ClusterBytes)), 2, 0);
        }),
        Case("R21", "rc1", q =>
        {
            long cluster = q.Data / q.ClusterBytes;
            q.Put(q.Block + (cluster / 8), 1, q.Get(q.Block + (cluster / 8), 1) & ~(1UL << (int)(cluster % 8)));
        }),
    ];

    private static IEnumerable<DamageCase> Snapshots() =>
    [
        Snapshot("S01", 0, 8, 0x400200), Snapshot("S02", 0, 8, 1UL << 40), Snapshot("S03", 0, 8, 0), Snapshot("S04", 8, 4, 1UL << 28), Snapshot("S05", 8, 4, 0), Snapshot("S06", 12, 2, 65535),
        Snapshot("S07", 14, 2, 65535), Snapshot("S08", 12, 2, 0), Snapshot("S09", 32, 4, 0xffffffff), Snapshot("S10", 36, 4, 1025), Snapshot("S11", 36, 4, 0xffffffff),
        Snapshot("S12", 36, 4, 0), Snapshot("S13", 48, 8, Ones), Snapshot("S14", 48, 8, 1UL << 40), Snapshot("S15", 40, 8, 1UL << 63),
        Case("S16", "snap2", q => q.Put(IdOf(q, 1), 1, q.Get(IdOf(q, 0), 1))),
        Case("S17", "snap", q => q.Change((long)q.Get(q.Snapshot(), 8), entry => entry + 512)), Case("S18", "snap", q => q.Change((long)q.Get(q.Snapshot(), 8), _ => 1UL << 40)),
        Case("S19", "snap", q => q.Put(q.Snapshot(), 8, (ulong)q.L1)),
    ];

    private static IEnumerable<DamageCase> Bitmaps() =>
    [
        Case("B01", "bmap", q => q.Change(q.Directory, offset => offset + 512)), Directory("B02", 0, 8, 1UL << 40), Directory("B03", 8, 4, 0), Directory("B04", 8, 4, 0xffffffff),
        Case("B05", "bmap", q => q.Put(q.Directory + 12, 4, q.Get(q.Directory + 12, 4) | 8)), Case("B06", "bmap", q => q.Put(q.Directory + 12, 4, q.Get(q.Directory + 12, 4) | 1)),
        Directory("B07", 16, 1, 2), Directory("B08", 17, 1, 8), Directory("B09", 17, 1, 32), Directory("B10", 17, 1, 64), Directory("B11", 18, 2, 0), Directory("B12", 18, 2, 1024),
        Directory("B13", 20, 4, 8), Directory("B14", 20, 4, 0xffffffff), BitmapTable("B15", static (e, _) => e | 2), BitmapTable("B16", static (_, _) => 1UL << 40),
        BitmapTable("B17", static (_, _) => 1UL << 56), BitmapTable("B18", static (_, q) => (ulong)q.L1), Directory("B19", 24, 1, 0),
    ];

    // A hole of 64 MiB stands for one of 10 GiB: the storage is memory.
    private static IEnumerable<DamageCase> Files() =>
    [
        .. new[] { 0, 4, 71, 103, 112, 65536 }.Select((length, i) => Case($"F0{i}", "v3", q => q.SetLength(length))),
        Case("F06", "v3", q => q.SetLength((int)q.L2 + 100)), Case("F07", "v3", q => q.SetLength(q.Bytes.Length - 1000)),
        Case("F08", "v3", q => q.Write(q.Bytes.Length, Filled(1000, 0xee))), Case("F09", "v3", q => q.SetLength(q.Bytes.Length + (64 << 20))),
    ];

    private static DamageCase Block(string id, Func<ulong, DamagedImage, ulong> change) => Case(id, "v3", q => q.Change(q.Table, entry => change(entry, q)));

    private static DamageCase Count(string id, Func<DamagedImage, long> place, ulong count) => Case(id, "v3", q => q.Put(q.Block + (2 * (place(q) / q.ClusterBytes)), 2, count));

    private static DamageCase Snapshot(string id, int at, int count, ulong value) => Case(id, "snap", q => q.Put(q.Snapshot() + at, count, value));

    private static DamageCase Directory(string id, int at, int count, ulong value) => Case(id, "bmap", q => q.Put(q.Directory + at, count, value));

    private static DamageCase BitmapTable(string id, Func<ulong, DamagedImage, ulong> change) => Case(id, "bmap", q => q.Change((long)q.Get(q.Directory, 8), entry => change(entry, q)));

    private static long IdOf(DamagedImage image, int index) => image.Snapshot(index) + 40 + (long)image.Get(image.Snapshot(index) + 36, 4);
}
