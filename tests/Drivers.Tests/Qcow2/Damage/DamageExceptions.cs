namespace BlockGraph.Drivers.Tests.Qcow2.Damage;

/// <summary>Where this driver is meant to do something else than was observed of others.</summary>
internal static class DamageExceptions
{
    private const string OtherFile = "what the image names is not opened here";
    private const string Overlap = "a structure lies over another one: which of them is right cannot be known";
    private const string Stricter = "this check finds what others do not look for, and cannot know what would be right";

    // What check, read and write do here.
    private static readonly Dictionary<string, (string Outcome, string Reason)> s_reasons = new()
    {
        ["E05"] = ("000", OtherFile), ["H04f"] = ("000", OtherFile), ["H04g"] = ("000", OtherFile), ["H04h"] = ("000", OtherFile),
        ["S04"] = ("200", "a table of a snapshot that is too long to be one is nowhere: it is not in a write's way"),
        ["H16b"] = ("000", "bitmaps that are not there are in nobody's way"),
        ["L106"] = ("200", "an entry that leads to the header leads nowhere: a new table is made"),
    };

    private static readonly Dictionary<string, string> s_unmended = new()
    {
        ["B02"] = "a bitmap leads nowhere", ["B16"] = "a bitmap leads nowhere", ["B18"] = Overlap, ["S06"] = Overlap, ["S07"] = Overlap,
        ["L214"] = "in version 2 the flag means nothing: whether the guest had written zeros cannot be known",
        ["S05"] = Stricter, ["S13"] = Stricter, ["S14"] = Stricter, ["S16"] = Stricter,
        ["H12f"] = Stricter, ["H13c"] = "a table beyond the file's end holds nothing that could be completed",
    };

    /// <summary>What a case comes to here, and why it is not refused where others refuse it; null where it must be.</summary>
    public static (string Outcome, string Reason)? Of(string id) => s_reasons.TryGetValue(id, out (string, string) exception) ? exception : null;

    /// <summary>Why a case is not mended though others mend it; null where it must be.</summary>
    public static string? Unmended(string id) => s_unmended.GetValueOrDefault(id);

    /// <summary>How many findings a repair adds. An L1 table that is an L2 table as well: counts are mended, a mark then disagrees with them, and nobody can write it there.</summary>
    public static int NewFindings(string id) => id == "L107" ? 1 : 0;
}
