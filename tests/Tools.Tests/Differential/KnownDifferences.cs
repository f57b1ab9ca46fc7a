using System.Text.RegularExpressions;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>A reason for which this program does something else than QEMU's.</summary>
/// <param name="Reason">Why that is meant.</param>
/// <param name="Explains">Whether a line differs for that reason.</param>
/// <param name="IsLasting">Whether it leaves another image behind, so that the lines after it may differ, too.</param>
internal sealed record KnownDifference(string Reason, Func<LineDifference, bool> Explains, bool IsLasting = false);

/// <summary>Every reason for a difference; docs/compatibility.md tells users of them, README.md beside this file shows the lines.</summary>
internal static partial class KnownDifferences
{
    private const string HexWarning = "Using a multiplier suffix on hex numbers is deprecated";
    private const string NoFile = "No such file or directory";
    private const string UnknownOption = "does not support the option";

    /// <summary>The table.</summary>
    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new("qemu-img divides by the image's length, and is killed", at => at.Verb == "bench" && at.Theirs.ExitCode == 136),
        new("qemu-img's bench does not end without a request under way", at => at.Verb == "bench" && Has(at.Ours.Error, "Invalid queue depth"), IsLasting: true),
        new("a request that fails ends qemu-img's bench at once; ours ends those under way", at => at.IsOfFiles && at.Made.Lines.Zip(at.Earlier).Any(run => Has(run.First.ToString(), " bench ") && Has(run.First.ToString(), "-w") && Has(run.Second.Error, "Failed request: Input/output error")), IsLasting: true),
        new("qemu-img is killed where it looks for snapshots below blkdebug", at => at.Verb == "snapshot" && at.Theirs.ExitCode == 139 && Has(at.Line, "blkdebug")),
        new("qemu-img opens a raw image twice to look for its snapshots, and warns twice of its format", at => at.Verb == "snapshot" && IsEqual(at, error: text => string.Concat(text.Split('\n').Distinct()))),
        new("measure takes the names of versions that create takes", at => at.Verb == "measure" && Has(at.Theirs.Error, "Invalid compatibility level: 'v")),
        new("a size beyond 63 bits is out of range for every option, and told at once", at => Has(at.Ours.Error, "is out of range for parameter") && !Has(at.Theirs.Error, "is out of range for parameter") && HugePattern().IsMatch(at.Line)),
        new("qemu-img aborts on a malformed size of null-co", at => at.Theirs.ExitCode == 134 && Has(at.Line, "null-co")),
        new("qemu-img's measure alone prints the help and ends with 0 on an unknown option; ours refuses it, as every other command", at => at.Verb == "measure" && at.Theirs.ExitCode == 0 && at.Ours.ExitCode == 1 && Has(at.Theirs.Out, "Command syntax")),
        new("two things are wrong, an option and what is to be opened; the option is told first", at => at.Ours.ExitCode == at.Theirs.ExitCode && IsOfOption(at.Ours.Error) && !IsOfOption(at.Theirs.Error)),
        new("a hexadecimal size with a suffix is warned of once, and not among the options of a node", at => Has(at.Theirs.Error, HexWarning) && IsEqual(at, error: text => string.Concat(text.Split('\n').Where(line => !Has(line, HexWarning))))),
        new("holes in clusters that were allocated at once, or in a data file, are zeros; theirs are data", at => at.Verb == "measure" && at.Before.Any(line => Has(line, "data_file") || Has(line, "falloc")) && IsEqual(at, output: text => RequiredPattern().Replace(text, ""))),
        new("bitmaps are in use from the first change on, not from the opening", at => at.Verb == "qemu-io" && IsEqual(at, output: text => FlagPattern().Replace(InUsePattern().Replace(text, ""), "[]: auto"))),
        new("compressed data would not be encrypted, and is refused", at => at.Made.Format == "luks" && Has(at.Line, "write -c") && Has(at.Ours.Out, "write failed: Operation not supported"), IsLasting: true),
        new("the folder of an image is known, however it was named; theirs knows none behind an encrypted one's options", at => at.Verb == "rebase" && (Has(at.Theirs.Error, "Cannot use relative backing file names") || Has(at.Theirs.Error, "blkdebug requires both config file and image path")), IsLasting: true),
        new("what fails leaves no file behind", at => at.IsOfFiles && at.Ours.Out.Length == 0 && at.Theirs.Out.Split('\n').All(file => Has(file, ": 0 bytes") || !file.Contains(':')) && at.Before.Any(line => Has(line, " create ") || Has(line, " convert ")), IsLasting: true),
        new("what fails leaves no file behind to be opened", at => Has(at.Ours.Error, NoFile) && !Has(at.Theirs.Error, NoFile) && at.Before.Any(line => Has(line, " create ")), IsLasting: true),
        new("what is refused leaves the file that there was; theirs is gone", at => at.Before.Count(line => Has(line, " create ") || Has(line, " convert ")) > 1 && (at.IsOfFiles ? at.Theirs.Out.Length == 0 : Has(at.Theirs.Error, NoFile) && !Has(at.Ours.Error, NoFile)), IsLasting: true),
        new("what is refused leaves the data file that there was; theirs is gone", at => at.Before.Any(line => Has(line, "data_file=data.raw")) && (at.IsOfFiles ? at.Theirs.Out.Length == 0 : Has(at.Theirs.Error, "Could not open 'data.raw'")), IsLasting: true),
        new("bitmaps are removed from an image that becomes one of version 2; theirs leaves them, and warns of them", at => IsEqual(at, error: text => StaleBitmapsPattern().Replace(text, ""))),
        new("a snapshot that the width of the counts does not allow leaves a lost cluster in theirs", at => at.Before.Any(line => Has(line, "refcount_bits=1")) && at.Before.Any(line => Has(line, " snapshot -c ")) && IsLeak(at.Theirs) && !IsLeak(at.Ours)),
        new("counts of clusters behind the file's end are leaks", at => at.Before.Any(line => Has(line, "-f raw -c 'write ")) && IsLeak(at.Ours) && !IsLeak(at.Theirs), IsLasting: true),
        new("theirs forgets the snapshot when it repairs an image that has bitmaps, too, and frees what it kept", at => at.UpToHere.Any(line => Has(line, "check ") && (Has(line, "-r all") || Has(line, "-r leaks"))) && at.Before.Any(line => Has(line, "bitmap ")) && at.Before.Any(line => Has(line, " snapshot ") && Has(line, "-c ")), IsLasting: true),
        new("a snapshot has its own length; theirs has the image's", at => Has(at.Line, " -l ") && at.Before.Any(line => Has(line, "snapshot ") && Has(line, "-c ")) && at.Before.Any(line => Has(line, "resize ") || Has(line, "truncate ") || Has(line, "amend -o size="))),
        new("the last sector of an encrypted image is whole; theirs cuts it, and reads nonsense", at => at.Made.Format == "luks" && at.Before.Any(line => Has(line, "resize ")) && (at.IsOfFiles || at.Verb == "compare"), IsLasting: true),
        new("requests that are not waited for end in any order", at => Has(at.Line, "aio_") && at.Ours.ExitCode == at.Theirs.ExitCode && at.Ours.Error == at.Theirs.Error && at.Ours.Out.Split('\n').Order(StringComparer.Ordinal).SequenceEqual(at.Theirs.Out.Split('\n').Order(StringComparer.Ordinal))),
        new("nothing comes to be suspended where there is no blkdebug; theirs waits for ever", at => Has(at.Line, "wait_break") && at.Theirs.ExitCode == 124, IsLasting: true),
        new("zeros behind the end of a shorter backing file need no cluster", at => at.Verb is "map" or "measure" or "check" && at.Before.Any(line => Has(line, "convert ") && Has(line, "-B ")) && at.Before.Any(line => Has(line, " odd.raw") || Has(line, " empty.raw"))),
        new("zero clusters of the second version become unallocated, where theirs fills allocated ones with zeros", at => at.Before.Any(line => Has(line, "amend ") && Has(line, "compat=0.10")) && at.Verb is "map" or "measure" or "check" or "qemu-io"),
        new("an image of version 2 without a backing file reads as zeros where it has nothing, and needs no zeros there", at => Has(at.Line, "write -z -n") && at.Before.Any(line => Has(line, "compat=0.10")) && Has(at.Theirs.Out, "write failed: Operation not supported")),
        new("preallocation=full or falloc of an image that is open without the host's cache; theirs fails", at => Has(at.Theirs.Error, "Could not write zeros for preallocation: Invalid argument"), IsLasting: true),
        new("an image that is opened with lazy-refcounts=on is not one that says so by itself", at => at.Before.Any(line => Has(line, "amend ") && Has(line, "lazy_refcounts=") && Has(line, "lazy-refcounts=")) && at.Verb == "info"),
        new("whole blocks go through an image that is open without the host's cache, where its file wants them; theirs cuts them at the file", at => at.Before.Any(line => Has(line, "qemu-io -n ") || Has(line, "cache.direct=on") || Has(line, "-t none")) && at.Verb is "map" or "measure" or "check"),
        new("zeros that may not be written as data are whole blocks of an image that is open without the host's cache", at => Has(at.Line, "write -z -n ") && (Has(at.Line, "qemu-io -n ") || Has(at.Line, "cache.direct=on")) && Has(at.Ours.Out, "write failed: Operation not supported") && !Has(at.Theirs.Out, "write failed"), IsLasting: true),
        new("holes are looked for where the length of the file tells of them", at => at.Verb == "map" && at.Ours.ExitCode == at.Theirs.ExitCode && at.Before.Any(line => Has(line, "convert ") && Has(line, "-c "))),
        new("an image of no length has room for no bitmap in theirs, which loses it", at => Has(at.Theirs.Error, "Lost persistent bitmaps") && Has(at.Theirs.Error, "No memory"), IsLasting: true),
        new("a reopen that is refused changes nothing; theirs leaves an image with bitmaps that takes no writes", at => Has(at.Line, "read-only=on") && at.Before.Any(line => Has(line, "bitmap ") && Has(line, "--add")) && Has(at.Theirs.Out, "Operation not permitted"), IsLasting: true),
        new("what a commit or a rebase finds to be zeros it writes as zeros", at => at.Before.Any(line => Has(line, " commit ") || Has(line, " rebase ")) && (at.Verb == "measure" ? IsEqual(at, output: text => RequiredPattern().Replace(text, "")) : at.Verb == "compare" ? Has(at.Ours.Out, "block status mismatch") && Has(at.Theirs.Out, "identical") : at.Verb == "map" && at.Ours.ExitCode == 0 && at.Theirs.ExitCode == 0 && Has(at.Line, "--output=json"))),
        new("zeros are looked for in what cannot be copied by the host", at => at.Verb is "check" or "map" or "measure" or "compare" && at.Before.Any(line => Has(line, "convert ") && Has(line, " -C"))),
        new("a folder is no image with the host's cache or without it", at => Has(at.Theirs.Error, "filesystem does not support O_DIRECT") && Has(at.Ours.Error, "to be a regular file")),
        new("measure refuses an image that could not be made", at => at.Verb == "measure" && at.Ours.ExitCode == 1 && at.Theirs.ExitCode == 0 && Has(at.Theirs.Out, "required") && Has(at.Line, "-o ")),
        new("reference counts that are gone are told of one by one; theirs stops there", at => at.Verb == "check" && Has(at.Theirs.Error, "ERROR need to rebuild refcount structures") && at.Before.Any(line => Has(line, "-f raw "))),
        new("in a table of nonsense other bits are mended", at => at.Verb == "check" && Has(at.Ours.Error, "reserved bits set") && at.Before.Any(line => Has(line, "-f raw ")), IsLasting: true),
        new("an image that would be its own backing file is refused in every format", at => at.Verb == "rebase" && Has(at.Ours.Error, "creates an infinite loop"), IsLasting: true),
        new("how many clusters behind one that fails get their compressed data depends on threads", at => at.Earlier.Any(run => Has(run.Out, "write failed: Input/output error")) && at.Before.Any(line => Has(line, "write -c")) && (at.IsOfFiles || at.Verb is "map" or "check" or "compare" or "qemu-io" or "measure"), IsLasting: true),
        new("what a compressed cluster has behind the end of a shorter image does not come back", at => at.Before.SkipWhile(line => !Has(line, "convert -c") && !Has(line, "write -c")).Any(line => Has(line, "truncate ") || Has(line, "--shrink")) && (at.IsOfFiles || at.Verb is "qemu-io" or "compare" or "map"), IsLasting: true),
        new("what a cluster has behind the end of a shorter image does not come back", at => at.Before.SkipWhile(line => !Has(line, "--shrink") && !Has(line, "amend -o size=")).Skip(1).Any(line => Has(line, "resize ") || Has(line, "truncate ")) && (at.IsOfFiles || at.Verb is "qemu-io" or "compare" or "map"), IsLasting: true),
        new("holes are looked for where the length of the file tells of them, also to compare", at => Has(at.Line, "compare ") && Has(at.Line, "-s ") && Has(at.Theirs.Out, "block status mismatch") && Has(at.Ours.Out, "identical")),
        new("where the file of an image has holes depends on what was written when", at => Has(at.Line, "compare ") && Has(at.Line, "-s ") && at.Ours.ExitCode == 1 && IsEqual(at, output: text => MismatchPattern().Replace(text, ""))),
        new("zeros of any length are zeros of a raw file; theirs takes whole sectors where the format was guessed", at => Has(at.Line, "write -z -n") && !Has(at.Line, "-f raw") && at.Made.Format == "raw" && Has(at.Theirs.Out, "write failed: Operation not supported"), IsLasting: true),
        new("nothing has to be compressed of an image that has nothing", at => at.Verb == "convert" && Has(at.Line, "-c ") && Has(at.Line, "data_file=") && at.Theirs.ExitCode == 1 && at.Theirs.Error.Length == 0, IsLasting: true),
        new("compressed data of an image that ends within a cluster goes into a longer one, too", at => at.Verb == "convert" && Has(at.Line, "-c ") && Has(at.Line, "-n ") && Has(at.Theirs.Error, "error while writing at byte") && Has(at.Theirs.Error, "Invalid argument") && at.Ours.ExitCode == 0, IsLasting: true),
        new("help is each program's own", at => Has(at.Line, "help ") && at.Ours.ExitCode == at.Theirs.ExitCode && at.Ours.Error == at.Theirs.Error),
        new("how often progress is told depends on how the work is cut", at => at.Verb is "convert" or "commit" or "rebase" && Has(at.Line, " -p") && IsEqual(at, output: text => PercentPattern().Replace(text, ""))),
    ];

    /// <summary>The first reason where every difference is explained; otherwise null.</summary>
    public static string? ReasonOf(IReadOnlyList<LineDifference> differences)
    {
        string? first = null;
        foreach (LineDifference difference in differences)
        {
            if (All.FirstOrDefault(known => known.Explains(difference)) is not { } reason)
            {
                return null;
            }

            first ??= reason.Reason;
            if (reason.IsLasting)
            {
                break;
            }
        }

        return first;
    }

    private static bool IsOfOption(string error) => Has(error, UnknownOption) || Has(error, "force-share=on can only be used") || (Has(error, "Parameter '") && Has(error, "expects"));

    private static bool IsLeak(ToolRun run) => Has(run.Error, "Leaked cluster") || Has(run.Out, "leaked clusters") || Has(run.Out, "\"leaks\"");

    private static bool Has(string text, string part) => text.Contains(part, StringComparison.Ordinal);

    // Whether both have done the same but for what is taken out.
    private static bool IsEqual(LineDifference at, Func<string, string>? output = null, Func<string, string>? error = null) =>
        at.Ours.ExitCode == at.Theirs.ExitCode && IsEqual(at.Ours.Out, at.Theirs.Out, output) && IsEqual(at.Ours.Error, at.Theirs.Error, error);

    private static bool IsEqual(string ours, string theirs, Func<string, string>? without) => without is null ? ours == theirs : without(ours) == without(theirs);

    [GeneratedRegex("^required size: [0-9]+\n|\"required\": [0-9]+,?", RegexOptions.Multiline)]
    private static partial Regex RequiredPattern();

    [GeneratedRegex("[a-z-]+: warning: This qcow2 v2 image contains bitmaps[^\n]*\nSome clusters may be leaked, run 'qemu-img check -r' on the image file to fix\\.")]
    private static partial Regex StaleBitmapsPattern();

    // 2^63 and more.
    [GeneratedRegex("=(8E|9E|18446744073709551615|[0-9]{19,})")]
    private static partial Regex HugePattern();

    [GeneratedRegex("Offset [0-9]+(?= block status mismatch)")]
    private static partial Regex MismatchPattern();

    [GeneratedRegex(@" *\[0\]: in-use\n")]
    private static partial Regex InUsePattern();

    [GeneratedRegex(@"\[[01]\]: auto")]
    private static partial Regex FlagPattern();

    [GeneratedRegex(@" +\([0-9.]+/100%\)\r")]
    private static partial Regex PercentPattern();
}
