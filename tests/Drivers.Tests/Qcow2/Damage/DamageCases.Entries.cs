namespace BlockGraph.Drivers.Tests.Qcow2.Damage;

/// <content>Entries of L1 and L2 tables.</content>
internal static partial class DamageCases
{
    private const ulong Copied = 1UL << 63;
    private const ulong Compressed = 1UL << 62;
    private const ulong StreamMask = (1UL << 54) - 1;

    private static IEnumerable<DamageCase> Entries() =>
    [
        Top("L101", static (e, _) => e | 1), Top("L102", static (e, _) => e | (1UL << 56)), Top("L103", static (e, _) => e + 512), Top("L104", static (_, _) => Copied | (1UL << 40)),
        Top("L105", static (e, _) => e & ~Copied), Top("L106", static (_, _) => Copied), Top("L107", static (_, q) => Copied | (ulong)q.L1), Top("L108", static (_, q) => Copied | (ulong)q.Block),
        Top("L109", static (e, _) => e ^ Copied, "snap"), Top("L110", static (_, _) => 0), Top("L111", static (_, _) => Copied | 0xfffffffe0000),
        Entry("L201", static (e, _) => e | 2), Entry("L202", static (e, _) => e | (1UL << 56)), Entry("L203", static (e, _) => e + 512), Entry("L204", static (_, _) => Copied | (1UL << 40)),
        Entry("L205", static (_, _) => Copied | 0xffffffffff0000), Entry("L206", static (e, _) => e & ~Copied), Entry("L207", static (_, _) => Copied),
        Entry("L208", static (_, q) => Copied | (ulong)q.Table), Entry("L209", static (_, q) => Copied | (ulong)q.Block), Entry("L210", static (_, q) => Copied | (ulong)q.L1),
        Entry("L211", static (_, q) => Copied | (ulong)q.L2), Entry("L212", static (_, q) => q.Get(q.L2, 8), index: 1), Entry("L213", static (e, _) => e | 1), Entry("L214", static (e, _) => e | 1, "v2"),
        Entry("L215", static (_, _) => 0), Entry("L216", static (e, _) => (e + 512) | 1), Entry("L217", static (_, _) => Ones), Entry("L218", static (e, _) => e | Copied, "snap", 1),
        Entry("L220", static (e, _) => (e & ~StreamMask) | (1UL << 40), "comp"), Entry("L221", static (e, _) => e | (0xffUL << 54), "comp"), Entry("L222", static (e, _) => e | Copied, "comp"),
        Case("L223", "comp", q => q.Write(q.Stream, Filled(16, 0xff))), Entry("L224", static (e, _) => e & ~StreamMask, "comp"), Entry("L225", static (e, _) => (e & ~Copied) | Compressed),
        Case("L226", "comp", q => q.SetLength((q.Bytes.Length & ~65535) + 10)), Case("L227", "zstd", q => q.Write(q.Stream, Filled(16, 0xff))),
        Entry("L228", static (e, _) => (e & ~Copied) | Compressed, "dfile"), Case("L229", "zstd", q => q.Write(q.Stream + 8, new byte[24])),
    ];

    private static IEnumerable<DamageCase> Subclusters() =>
    [
        Bitmap("L230", static b => b | (1UL << 32) | 1), Entry("L231", static (_, _) => 0, "xl2"), Bitmap("L232", static _ => 0),
        Entry("L233", static (e, _) => e | 1, "xl2"), Entry("L234", static (e, _) => (e & ~Copied) | Compressed, "xl2"),
    ];

    private static DamageCase Top(string id, Func<ulong, DamagedImage, ulong> change, string image = "v3") => Case(id, image, q => q.Change(q.L1, entry => change(entry, q)));

    private static DamageCase Entry(string id, Func<ulong, DamagedImage, ulong> change, string image = "v3", int index = 0) =>
        Case(id, image, q => q.Change(q.L2 + (8 * index), entry => change(entry, q)));

    private static DamageCase Bitmap(string id, Func<ulong, ulong> change) => Case(id, "xl2", q => q.Change(q.L2 + 8, change));

    private static byte[] Filled(int count, byte value)
    {
        byte[] bytes = new byte[count];
        Array.Fill(bytes, value);
        return bytes;
    }
}
