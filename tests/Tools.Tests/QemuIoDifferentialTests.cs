using System.Text.RegularExpressions;

namespace BlockGraph.Tools.Tests;

/// <summary>Every command line of QemuIoLines.txt, through the installed qemu-io and through ours by that name: texts, streams and exit code are the same.</summary>
[TestFixture]
public partial class QemuIoDifferentialTests
{
    public static IEnumerable<string> Lines =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "QemuIoLines.txt")).Where(line => line.Length > 0 && line[0] != '#');

    [TestCaseSource(nameof(Lines))]
    public void Texts_streams_and_exit_code_are_those_of_qemu_io(string line)
    {
        ToolRun theirs = Run(line, (arguments, input) => InstalledProgram.Run("qemu-io", input, arguments));
        ToolRun ours = Run(line, (arguments, input) => ToolRun.By("qemu-io", input, [.. arguments]));
        Assert.That(ours.Out, Is.EqualTo(theirs.Out), "standard output");
        Assert.That(ours.Error, Is.EqualTo(theirs.Error), "standard error");
        Assert.That(ours.ExitCode, Is.EqualTo(theirs.ExitCode), "exit code");
    }

    [Test]
    public void There_are_enough_lines_and_none_twice()
    {
        Assert.That(Lines.Count(), Is.GreaterThan(400));
        Assert.That(Lines, Is.Unique);
    }

    private static ToolRun Run(string line, Func<IReadOnlyList<string>, string, ToolRun> run)
    {
        using TemporaryFolder folder = new();
        folder.Image("t.img", 1 << 20);
        folder.Image("z.img", 0);
        File.WriteAllText(folder.File("src"), "abc");
        File.WriteAllText(folder.File("empty"), "");
        Directory.CreateDirectory(folder.File("dir"));
        (IReadOnlyList<string> arguments, string input) = Read(line, folder);
        ToolRun result = run(arguments, input);
        return new ToolRun(result.ExitCode, Normal(result.Out, folder), Normal(result.Error, folder));
    }

    // What depends on the clock, the folder and the order in which nodes were made. Help is theirs in their words and ours in ours.
    private static string Normal(string text, TemporaryFolder folder)
    {
        text = Times().Replace(text, "TIME");
        text = MachineTimes().Replace(text, "$1,TIME");
        text = NodeNames().Replace(text, "#block");
        text = text.Replace(folder.Path, "FOLDER", StringComparison.Ordinal);
        return text.StartsWith("Usage: qemu-io ", StringComparison.Ordinal) ? "HELP" : text;
    }

    private static (IReadOnlyList<string> Arguments, string Input) Read(string line, TemporaryFolder folder)
    {
        string text = Place().Replace(line, match => folder.File(FileOf(match.Groups["file"].Value)));
        if (text.StartsWith("$ ", StringComparison.Ordinal))
        {
            return ([.. Words().Matches(text[2..]).Select(word => word.Groups["quoted"].Success ? word.Groups["quoted"].Value : word.Value)], "");
        }

        int end = text.IndexOfAny(['>', '<']);
        string what = text[..end];
        string[] opened = what switch
        {
            "raw" => ["-f", "raw", folder.File("t.img")],
            "ro" => ["-r", "-f", "raw", folder.File("t.img")],
            "null" => ["--image-opts", "driver=null-co,size=1M,read-zeroes=on"],
            "blkdebug" => ["-f", "raw", $"blkdebug::{folder.File("t.img")}"],
            "none" => [],
            _ when what.StartsWith("opts ", StringComparison.Ordinal) => ["--image-opts", what[5..]],
            _ when what.StartsWith("args ", StringComparison.Ordinal) => what[5..].Split(' '),
            _ => throw new InvalidOperationException($"what does '{what}' open?"),
        };
        string[] commands = text[(end + 2)..].Split("; ");
        return text[end] == '<'
            ? (opened, string.Join('\n', commands) + "\n")
            : ([.. opened, .. commands.SelectMany(command => new[] { "-c", command })], "");
    }

    private static string FileOf(string place) => place is "t" or "z" ? place + ".img" : place;

    [GeneratedRegex(@"[0-9:.]+( sec)? \([^()]*/sec\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Times();

    [GeneratedRegex("^([0-9]+,[0-9]+),[0-9:.]+,.*$", RegexOptions.Multiline)]
    private static partial Regex MachineTimes();

    [GeneratedRegex("#block[0-9]+")]
    private static partial Regex NodeNames();

    [GeneratedRegex(@"\{(?<file>t|z|src|empty|dir)\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Place();

    [GeneratedRegex(@"'(?<quoted>[^']*)'|\S+", RegexOptions.ExplicitCapture)]
    private static partial Regex Words();
}
