namespace BlockGraph.Benchmarks.Compare;

/// <summary>The work on whole images that is compared, and what must come out.</summary>
internal static class ImageWorks
{
    private const long Mebibyte = 1 << 20;
    private const string Source = "source.img";
    private const string Target = "target.img";

    // A small command is over before the clock has moved far.
    private const int SmallCount = 20;
    private static readonly string[] s_rawCheck = ["compare", "-f", "raw", "-F", "raw", "@" + Source, "@" + Target];
    private static readonly string[] s_qcow2Check = ["compare", "-f", "raw", "-F", "qcow2", "@" + Source, "@" + Target];

    /// <summary>All of it, in the order of the table.</summary>
    public static IReadOnlyList<ImageWork> All { get; } =
    [
        new("convert raw to raw, 2 GiB half full", MakeHalfFull, Convert("raw", "raw")) { Cpu = new(0.95, 0.8), Wall = new(0.95, 0.8), Target = Target, Check = s_rawCheck },
        new("convert raw to raw, 64 GiB with 1 % of data", folder => folder.MakeSparse(Source, 64 * 1024 * Mebibyte, 100), Convert("raw", "raw"))
        {
            Cpu = new(0.6, 0.6), Wall = new(0.6, 0.6), Target = Target, Check = s_rawCheck,
        },
        new("compare of equal images, 2 GiB half full", MakeEqual, s_rawCheck) { Cpu = new(0.8, 0.8), Wall = new(0.8, 0.8) },
        new("info of a small image", folder => folder.MakeSparse(Source, Mebibyte, 1), "info", "-f", "raw", "@" + Source) { Cpu = new(0.7, 0.45), Wall = new(0.7, 0.45), Count = SmallCount },
        new("convert raw to qcow2, 2 GiB half full", MakeHalfFull, Convert("raw", "qcow2")) { Cpu = new(0.95, 0.82), Wall = new(0.95, 0.82), Target = Target, Check = s_qcow2Check },
        new("convert qcow2 to raw, 2 GiB half full", MakeHalfFullQcow2, Convert("qcow2", "raw"))
        {
            Cpu = new(0.95, 0.82), Wall = new(0.95, 0.82), Target = Target, Check = ["compare", "-f", "qcow2", "-F", "raw", "@" + Source, "@" + Target],
        },
        new("compressed convert raw to qcow2, 1 GiB of text", folder => folder.MakeText(Source, 1024 * Mebibyte), ["convert", "-c", .. Convert("raw", "qcow2")[1..]])
        {
            Wall = new(0.7, 0.7), Target = Target, Check = s_qcow2Check,
        },
        new("snapshot create, 1 TiB with 100,000 clusters", MakeLarge, "snapshot", "-c", "one", "@" + Source)
        {
            Wall = new(1.0, 1.0), After = ["snapshot", "-d", "one", "@" + Source], Check = ["check", "-q", "@" + Source],
        },
        new("snapshot delete, 1 TiB with 100,000 clusters", MakeLarge, "snapshot", "-d", "one", "@" + Source)
        {
            Wall = new(1.0, 1.0), Before = ["snapshot", "-c", "one", "@" + Source], Check = ["check", "-q", "@" + Source],
        },
        new("info of a small qcow2 image", folder => folder.RunQemuImg("create", "-q", "-f", "qcow2", "@" + Source, "1G"), "info", "-f", "qcow2", "@" + Source)
        {
            Wall = new(0.7, 0.45), Count = SmallCount,
        },
        .. VerbWorks.All,
        new("open a qcow2 image of 1 TiB", MakeLarge, "-f", "qcow2", "-c", "quit", "@" + Source) { Wall = new(1.0, 1.0), IsIo = true, Count = SmallCount },
    ];

    internal static string[] Convert(string from, string to) => ["convert", "-f", from, "-O", to, "@" + Source, "@" + Target];

    internal static void MakeHalfFull(ImageWorkFolder folder) => folder.MakeSparse(Source, 2048 * Mebibyte, 2);

    private static void MakeEqual(ImageWorkFolder folder)
    {
        MakeHalfFull(folder);
        folder.RunQemuImg(Convert("raw", "raw"));
    }

    internal static void MakeHalfFullQcow2(ImageWorkFolder folder)
    {
        folder.MakeSparse("raw.img", 2048 * Mebibyte, 2);
        folder.RunQemuImg("convert", "-f", "raw", "-O", "qcow2", "@raw.img", "@" + Source);
        File.Delete(folder.File("raw.img"));
    }

    // The clusters are allocated, and take no memory.
    internal static void MakeLarge(ImageWorkFolder folder)
    {
        folder.RunQemuImg("create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", "@" + Source, "6250M");
        folder.RunQemuImg("resize", "-q", "-f", "qcow2", "@" + Source, "1T");
    }
}
