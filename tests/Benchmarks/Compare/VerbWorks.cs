namespace BlockGraph.Benchmarks.Compare;

/// <summary>A row for each verb of <c>img</c>, on raw and on qcow2, that has no row of its own among the others: none may take longer than QEMU's.</summary>
internal static class VerbWorks
{
    private const long Mebibyte = 1 << 20;
    private const int ExtentBytes = 64 << 10;
    private const int ExtentCount = 8000;
    private const string Source = "source.img";
    private const string Work = "work.img";
    private const string Target = "target.img";
    private const string Base = "base.img";

    // A command that moves no data is over before the clock has moved far.
    private const int SmallCount = 10;
    private static readonly Limit s_noSlower = new(1.0, 0.8);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ImageWork> All { get; } =
    [
        Small("amend a qcow2 image", "amend", "-f", "qcow2", "-o", "lazy_refcounts=on", "@" + Work),
        Small("bitmap --add to a qcow2 image", "bitmap", "-f", "qcow2", "--add", "@" + Work, "one"),
        new("bitmap --merge in a qcow2 image", MakeWithBitmaps, "bitmap", "-f", "qcow2", "--merge", "one", "@" + Work, "two") { Wall = s_noSlower, Count = SmallCount, Before = CopySource },
        new("check of a qcow2 image, 1 TiB with 100,000 clusters", ImageWorks.MakeLarge, "check", "-f", "qcow2", "@" + Source) { Wall = s_noSlower },
        new("commit of 300 MiB to raw", folder => MakeOverlay(folder, "raw"), "commit", "-q", "-f", "qcow2", "@" + Work) { Wall = s_noSlower, Before = CopySource },
        new("commit of 300 MiB to qcow2", folder => MakeOverlay(folder, "qcow2"), "commit", "-q", "-f", "qcow2", "@" + Work) { Wall = s_noSlower, Before = CopySource },
        new("compare qcow2 with raw, 2 GiB half full", MakeBothFormats, "compare", "-f", "qcow2", "-F", "raw", "@" + Source, "@raw.img") { Wall = s_noSlower },
        new("convert qcow2 to qcow2, 2 GiB half full", ImageWorks.MakeHalfFullQcow2, ImageWorks.Convert("qcow2", "qcow2")) { Wall = s_noSlower, Target = Target, Check = CheckOf("qcow2", "qcow2") },
        New("create a raw image", "create", "-q", "-f", "raw", "@" + Target, "100G"),
        New("create a qcow2 image", "create", "-q", "-f", "qcow2", "@" + Target, "100G"),
        New("create a qcow2 image of 100 GiB with preallocation=metadata", "create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", "@" + Target, "100G") with { Count = 1 },
        new("dd of raw, 2 GiB half full, bs=1M", ImageWorks.MakeHalfFull, "dd", "-f", "raw", "-O", "raw", "bs=1M", "if=@" + Source, "of=@" + Target) { Wall = s_noSlower, Target = Target, Check = CheckOf("raw", "raw") },
        new("dd of qcow2, 2 GiB half full, bs=1M", ImageWorks.MakeHalfFullQcow2, "dd", "-f", "qcow2", "-O", "qcow2", "bs=1M", "if=@" + Source, "of=@" + Target)
        {
            Wall = s_noSlower, Target = Target, Check = CheckOf("qcow2", "qcow2"),
        },
        new("map of a raw image, 8,000 extents of data", MakeScattered, "map", "-f", "raw", "--output=json", "@" + Source) { Wall = s_noSlower },
        new("map of a qcow2 image, 8,000 extents of data", MakeScatteredQcow2, "map", "-f", "qcow2", "--output=json", "@" + Source) { Wall = s_noSlower },
        new("measure a raw image, 8,000 extents of data", MakeScattered, "measure", "-f", "raw", "-O", "qcow2", "@" + Source) { Wall = s_noSlower },
        new("measure a qcow2 image, 8,000 extents of data", MakeScatteredQcow2, "measure", "-f", "qcow2", "-O", "qcow2", "@" + Source) { Wall = s_noSlower },
        new("rebase of 300 MiB to another base", folder => MakeOverlay(folder, "raw"), "rebase", "-f", "qcow2", "-b", "@other.img", "-F", "raw", "@" + Work) { Wall = s_noSlower, Before = CopySource },
        Small("rebase -u of a qcow2 image", "rebase", "-u", "-f", "qcow2", "-b", "", "@" + Work),
        Small("resize a qcow2 image", "resize", "-q", "-f", "qcow2", "@" + Work, "+1G"),
        Small("snapshot -l of a qcow2 image", "snapshot", "-l", "@" + Work),
    ];

    // The image that a run changes is a copy each time.
    private static string[] CopySource => ["convert", "-f", "raw", "-O", "raw", "@" + Source, "@" + Work];

    private static string[] CheckOf(string from, string to) => ["compare", "-f", from, "-F", to, "@" + Source, "@" + Target];

    private static ImageWork Small(string name, params string[] arguments) => new(name, folder => folder.RunQemuImg("create", "-q", "-f", "qcow2", "@" + Source, "1G"), arguments)
    {
        Wall = s_noSlower,
        Count = SmallCount,
        Before = CopySource,
    };

    private static ImageWork New(string name, params string[] arguments) => new(name, static _ => { }, arguments) { Wall = s_noSlower, Count = SmallCount, Target = Target };

    private static void MakeWithBitmaps(ImageWorkFolder folder)
    {
        folder.RunQemuImg("create", "-q", "-f", "qcow2", "@" + Source, "1G");
        folder.RunQemuImg("bitmap", "--add", "@" + Source, "one");
        folder.RunQemuImg("bitmap", "--add", "@" + Source, "two");
    }

    private static void MakeBothFormats(ImageWorkFolder folder)
    {
        folder.MakeSparse("raw.img", 2048 * Mebibyte, 2);
        folder.RunQemuImg("convert", "-f", "raw", "-O", "qcow2", "@raw.img", "@" + Source);
    }

    // source (300 of 1024 MiB) -> base, half full; other: another base
    private static void MakeOverlay(ImageWorkFolder folder, string baseFormat)
    {
        folder.MakeSparse("other.img", 1024 * Mebibyte, 2);
        folder.RunQemuImg("convert", "-f", "raw", "-O", baseFormat, "@other.img", "@" + Base);
        folder.MakeSparse("top.img", 300 * Mebibyte, 1);
        folder.RunQemuImg("convert", "-f", "raw", "-O", "qcow2", "@top.img", "@" + Source);
        folder.RunQemuImg("resize", "-q", "-f", "qcow2", "@" + Source, "1G");
        folder.RunQemuImg("rebase", "-u", "-f", "qcow2", "-b", folder.File(Base), "-F", baseFormat, "@" + Source);
    }

    private static void MakeScattered(ImageWorkFolder folder) => folder.MakeScattered(Source, ExtentBytes, ExtentCount);

    private static void MakeScatteredQcow2(ImageWorkFolder folder)
    {
        folder.MakeScattered("raw.img", ExtentBytes, ExtentCount);
        folder.RunQemuImg("convert", "-f", "raw", "-O", "qcow2", "@raw.img", "@" + Source);
    }
}
