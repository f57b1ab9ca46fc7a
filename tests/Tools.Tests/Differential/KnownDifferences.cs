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
        new("qemu-img's bench alone takes no --object; ours does, as every other command", at => at.Verb == "bench" && Has(at.Theirs.Error, "unrecognized option '--object'")),
        new("qemu-img divides by the image's length, and is killed", at => at.Verb == "bench" && at.Theirs.ExitCode == 136),
        new("qemu-img's bench does not end without a request under way", at => at.Verb == "bench" && Has(at.Ours.Error, "Invalid queue depth")),
        new("qemu-img aborts on a malformed size of null-co", at => at.Theirs.ExitCode == 134 && Has(at.Line, "null-co")),
        new("a number is taken for a driver's name, and told; qemu-img overlooks it", at => Has(at.Line, "\"driver\":5")),
        new("qemu-img's measure alone prints the help and ends with 0 on an unknown option; ours refuses it, as every other command", at => at.Verb == "measure" && at.Theirs.ExitCode == 0 && Has(at.Theirs.Error, "unrecognized option")),
        new("two things are wrong, an option and what is to be opened; the option is told first", at => at.Ours.ExitCode == at.Theirs.ExitCode && IsOfOption(at.Ours.Error) && !IsOfOption(at.Theirs.Error)),
        new("a hexadecimal number with a suffix is taken without a warning", at => IsEqual(at, error: text => string.Concat(text.Split('\n').Where(line => !Has(line, HexWarning))))),
        new("a command that opens no backing file knows no backing.driver there; here it is known, and told what is wrong with it", at => Has(at.Theirs.Error, "does not support the option 'backing.driver'")),
        new("holes in clusters that were allocated at once, or in a data file, are zeros; theirs are data", at => at.Verb == "measure" && at.Before.Any(line => Has(line, "data_file") || Has(line, "falloc")) && IsEqual(at, output: text => RequiredPattern().Replace(text, ""))),
        new("bitmaps are in use from the first change on, not from the opening", at => at.Verb == "qemu-io" && IsEqual(at, output: text => FlagPattern().Replace(text.Replace("[0]: in-use\n", "", StringComparison.Ordinal), "[]: auto"))),
        new("compressed data would not be encrypted, and is refused", at => at.Made.Format == "luks" && Has(at.Line, "write -c") && Has(at.Ours.Out, "write failed: Operation not supported"), IsLasting: true),
        new("the folder of an image is known, however it was named; theirs knows none behind an encrypted one's options", at => at.Verb == "rebase" && (Has(at.Theirs.Error, "Cannot use relative backing file names") || Has(at.Theirs.Error, "blkdebug requires both config file and image path"))),
        new("what fails leaves no file behind", at => at.IsOfFiles && at.Ours.Out.Length == 0 && at.Theirs.Out.Split('\n').All(file => Has(file, ": 0 bytes")) && at.Before.Any(line => Has(line, " create "))),
        new("what is refused leaves the file that there was; theirs is gone", at => at.Before.Count(line => Has(line, " create ") || Has(line, " convert ")) > 1 && (at.IsOfFiles ? at.Theirs.Out.Length == 0 : Has(at.Theirs.Error, NoFile) && !Has(at.Ours.Error, NoFile)), IsLasting: true),
        new("with -u, or where none is named, the backing file's format may be one that this program lacks", at => Has(at.Theirs.Error, "Parameter 'backing-fmt' does not accept value")),
        new("bitmaps are removed from an image that becomes one of version 2; theirs leaves them, and warns of them", at => IsEqual(at, error: text => StaleBitmapsPattern().Replace(text, ""))),
        new("a snapshot that the width of the counts does not allow leaves a lost cluster in theirs", at => at.Before.Any(line => Has(line, "refcount_bits=1")) && at.Before.Any(line => Has(line, " snapshot -c ")) && IsLeak(at.Theirs) && !IsLeak(at.Ours)),
        new("counts of clusters behind the file's end are leaks", at => at.Before.Any(line => Has(line, "-f raw -c 'write ")) && IsLeak(at.Ours) && !IsLeak(at.Theirs), IsLasting: true),
        new("theirs forgets the snapshot when it repairs an image that has bitmaps, too, and frees what it kept", at => at.Before.Any(line => Has(line, "check -r ")) && at.Before.Any(line => Has(line, "bitmap ")) && at.Before.Any(line => Has(line, " snapshot -c ")), IsLasting: true),
        new("a snapshot has its own length; theirs has the image's", at => Has(at.Line, " -l ") && at.Before.Any(line => Has(line, "resize ") || Has(line, "truncate ") || Has(line, "size="))),
        new("the last sector of an encrypted image is whole; theirs cuts it, and reads nonsense", at => at.Made.Format == "luks" && at.Before.Any(line => Has(line, "resize ")) && at.IsOfFiles, IsLasting: true),
        new("requests that are not waited for end in any order", at => Has(at.Line, "aio_") && at.Ours.Out.Split('\n').Order(StringComparer.Ordinal).SequenceEqual(at.Theirs.Out.Split('\n').Order(StringComparer.Ordinal))),
        new("nothing comes to be suspended where there is no blkdebug; theirs waits for ever", at => Has(at.Line, "wait_break") && at.Theirs.ExitCode == 124),
        new("zeros behind the end of a shorter backing file need no cluster", at => at.Before.Any(line => Has(line, "-B odd.raw") || Has(line, "-B empty.raw"))),
        new("zero clusters of the second version become unallocated, where theirs fills allocated ones with zeros", at => at.Before.Any(line => Has(line, "amend ") && Has(line, "compat=0.10")) && at.Verb is "map" or "measure" or "check" or "qemu-io"),
        new("help is each program's own", at => Has(at.Line, "help ") && at.Ours.ExitCode == at.Theirs.ExitCode),
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

    private static bool IsOfOption(string error) => Has(error, UnknownOption) || (Has(error, "Parameter '") && Has(error, "expects"));

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

    [GeneratedRegex(@"\[[01]\]: auto")]
    private static partial Regex FlagPattern();

    [GeneratedRegex(@" +\([0-9.]+/100%\)\r")]
    private static partial Regex PercentPattern();
}
