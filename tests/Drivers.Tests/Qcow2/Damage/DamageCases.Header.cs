using System.Text;

namespace BlockGraph.Drivers.Tests.Qcow2.Damage;

/// <summary>All cases of the table: one field each.</summary>
internal static partial class DamageCases
{
    private const ulong Ones = ulong.MaxValue;

    /// <summary>Every one, in the order of the table.</summary>
    public static IEnumerable<DamageCase> All => Header().Concat(Extensions()).Concat(Entries()).Concat(Subclusters()).Concat(Refcounts()).Concat(Snapshots()).Concat(Bitmaps()).Concat(Files());

    private static DamageCase Case(string id, string image, Action<DamagedImage> spoil) => new(id, image, spoil);

    private static DamageCase Put(string id, string image, long offset, int count, ulong value) => new(id, image, q => q.Put(offset, count, value));

    // One field set to several values: the letters follow on the ID.
    private static IEnumerable<DamageCase> PutEach(string id, string image, long offset, int count, params ulong[] values) =>
        values.Select((value, i) => Put($"{id}{(char)('a' + i)}", image, offset, count, value));

    private static IEnumerable<DamageCase> PutNumbered(string id, long offset, int count, params ulong[] values) =>
        values.Select(value => Put(value < 300 ? $"{id}-{value}" : $"{id}-max", "v3", offset, count, value));

    private static IEnumerable<DamageCase> Header() =>
    [
        Put("H01", "v3", 3, 1, 0), Put("H01p", "v3", 3, 1, 0),
        .. PutEach("H02", "v3", 4, 4, 0, 1, 4, 0xffffffff), Put("H02e", "v3", 4, 4, 2), Put("H02f", "v2", 4, 4, 3),
        .. PutEach("H03", "bk", 8, 8, 1UL << 63, 65536, 8, 0),
        .. PutEach("H04", "bk", 16, 4, 0, 1023, 1024, 0xffffffff),
        Case("H04e", "bk", q => Rename(q, "./img")),
        Case("H04f", "bk", q =>
        {
            Rename(q, "./img");
            q.Write(q.Extension(DamagedImage.BackingFormat) + 8, "vdi"u8);
            q.Put(q.Extension(DamagedImage.BackingFormat) + 4, 4, 3);
        }),
        Case("H04g", "bk", q => q.Put((long)q.Get(8, 8) + 2, 1, 0)), Case("H04h", "bk", q => q.Write((long)q.Get(8, 8), "gone.raw"u8)), Case("H04i", "bk", q => Rename(q, "fat:/etc")),
        .. PutNumbered("H05", 20, 4, 0, 8, 22, 31, 63, 0xffffffff, 9, 21),
        .. PutEach("H06", "v3", 24, 8, 0, (64 << 20) + 1, 1UL << 63, Ones, 1UL << 40, 1UL << 61, (1UL << 56) - 512, 32768),
        .. PutEach("H07", "v3", 32, 4, 1, 2, 3), Put("H07d", "enc", 32, 4, 0),
        .. PutEach("H08", "v3", 36, 4, 0, 0x7fffffff, 0xffffffff, ((32 << 20) / 8) + 1, 65535), Put("H08f", "snap", 36, 4, 0),
        .. PutEach("H09", "v3", 40, 8, 0, 0x30200, 1UL << 40, 1UL << 63, 0x7fffffffffff0000, 0x10000, 0x20000),
        .. PutEach("H10", "v3", 48, 8, 0, 0x10200, 1UL << 40, 0xffffffffffff0000), Case("H10e", "v3", q => q.Put(48, 8, (ulong)q.L1)),
        .. PutEach("H11", "v3", 56, 4, 0, 129, 0x7f, 0x20001, 0xffffffff),
        .. PutEach("H12", "v3", 60, 4, 1, 65536, 65537, 0x7fffffff, 0xffffffff), Put("H12f", "snap", 60, 4, 2), Put("H12g", "snap", 60, 4, 0),
        .. PutEach("H13", "snap", 64, 8, 0, 0x1234, 1UL << 40, 0xffffffffffff0000),
        .. PutEach("H14", "v3", 72, 8, 1, 2, 4, 8, 16, 32, 1UL << 63),
        Put("H15", "v3", 80, 8, 1UL << 63), .. PutEach("H16", "v3", 88, 8, 1UL << 63, 1, 2), Put("H16d", "bmap", 88, 8, 0),
        .. PutNumbered("H17", 96, 4, 0, 3, 7, 255),
        .. PutEach("H18", "v3", 100, 4, 0, 71, 72, 103, 105, 0x7ffffff8, 0xfffffff8, 65536, 65544),
        Put("H19a", "v3", 104, 1, 1), Case("H19b", "v3", q =>
        {
            q.Put(104, 1, 2);
            q.Put(72, 8, 8);
        }),
        Case("H19c", "zstd", q =>
        {
            q.Put(104, 1, 0);
            q.Put(72, 8, 0);
        }),
        Put("H19d", "v3", 105, 1, 1),
    ];

    private static IEnumerable<DamageCase> Extensions() =>
    [
        Case("E01", "v3", q => q.Insert(0x12345678, "xxxxxxxx"u8)), OfLength("E02", 0x7fffffff), OfLength("E03", 0xffffffff), OfLength("E04", 65536 - 112 - 8),
        Case("E05", "bk", q => q.Write(q.Extension(DamagedImage.BackingFormat) + 8, "zzz"u8)), Case("E06", "bk", q => q.Insert(DamagedImage.BackingFormat, "aaaaaaaaaaaaaaaa"u8)),
        Case("E07", "bk", q => q.Put(q.Extension(DamagedImage.BackingFormat) + 4, 4, 0)), Case("E08", "bk", q => q.Insert(DamagedImage.BackingFormat, "vdi"u8)),
        Case("E09", "v3", q => q.Put(q.Extension(DamagedImage.FeatureNames) + 4, 4, q.Get(q.Extension(DamagedImage.FeatureNames) + 4, 4) - 1)),
        Case("E10", "v3", q =>
        {
            q.Write(q.Extension(DamagedImage.FeatureNames) + 8, Encoding.ASCII.GetBytes("\0\u0005" + "teleport".PadRight(46, '\0')));
            q.Put(72, 8, 32);
        }),
        BitmapsField("E11", 4, 4, 23), BitmapsField("E12a", 8, 4, 0), BitmapsField("E12b", 8, 4, 65536), BitmapsField("E12c", 8, 4, 2), BitmapsField("E13", 12, 4, 1),
        BitmapsField("E14a", 16, 8, 0), BitmapsField("E14b", 16, 8, 1UL << 40), BitmapsField("E14c", 16, 8, 8),
        Case("E15a", "bmap", q => q.Put(q.Extension(DamagedImage.Bitmaps) + 24, 8, (ulong)q.Directory + 512)), BitmapsField("E15b", 24, 8, 1UL << 40), BitmapsField("E15c", 24, 8, 0),
        EncryptionField("E16a", 4, 4, static _ => 8), EncryptionField("E16b", 8, 8, static old => old + 512), EncryptionField("E16c", 16, 8, static _ => 1UL << 40),
        EncryptionField("E16d", 16, 8, static _ => 512),
        Case("E17a", "dfile", q => q.Write(q.Extension(DamagedImage.DataFile) + 8, "gone.raw"u8)), Renamed("E17b", "json:{\"driver\":\"null-co\"}"),
        Case("E17c", "dfile", q => q.Put(q.Extension(DamagedImage.DataFile), 4, 0x11111111)), Put("E17d", "dfile", 72, 8, 0), Renamed("E17e", "nbd://127.0.0.1:1/"),
        Case("E17f", "dfile", static _ => { }),
    ];

    private static void Rename(DamagedImage image, string name)
    {
        image.Write((long)image.Get(8, 8), Encoding.ASCII.GetBytes(name));
        image.Put(16, 4, (ulong)name.Length);
    }

    private static DamageCase OfLength(string id, ulong length) => Case(id, "v3", q =>
    {
        q.Put(112, 4, 0x12345678);
        q.Put(116, 4, length);
    });

    private static DamageCase BitmapsField(string id, int at, int count, ulong value) => Case(id, "bmap", q => q.Put(q.Extension(DamagedImage.Bitmaps) + at, count, value));

    private static DamageCase EncryptionField(string id, int at, int count, Func<ulong, ulong> change) => Case(id, "enc", q =>
    {
        long field = q.Extension(DamagedImage.Encryption) + at;
        q.Put(field, count, change(q.Get(field, count)));
    });

    private static DamageCase Renamed(string id, string name) => Case(id, "dfile", q =>
    {
        q.Put(q.Extension(DamagedImage.DataFile), 4, 0x11111111);
        q.Insert(DamagedImage.DataFile, Encoding.ASCII.GetBytes(name));
    });
}
