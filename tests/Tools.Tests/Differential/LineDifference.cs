using System.Globalization;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>A line of a case that has done something else under QEMU's program; behind the last line, the files that are there in the end.</summary>
/// <param name="Made">The case.</param>
/// <param name="Index">Which line it is.</param>
/// <param name="Ours">What this program has done.</param>
/// <param name="Theirs">What QEMU's has done.</param>
/// <param name="Earlier">What QEMU's has done in the lines before.</param>
internal sealed record LineDifference(DifferentialCase Made, int Index, ToolRun Ours, ToolRun Theirs, IReadOnlyList<ToolRun> Earlier)
{
    /// <summary>Whether it is the files that differ, which are told in the place of an output.</summary>
    public bool IsOfFiles => Index == Made.Lines.Count;

    /// <summary>The line; empty where it is the files.</summary>
    public string Line => IsOfFiles ? "" : Made.Lines[Index].ToString();

    /// <summary>The verb of the line, or the program where that has none.</summary>
    public string Verb => IsOfFiles ? "" : Made.Lines[Index].Program == CalledName.QemuIo ? CalledName.QemuIo : Made.Lines[Index].Words.ElementAtOrDefault(1) ?? "";

    /// <summary>The lines before it.</summary>
    public IEnumerable<string> Before => Made.Lines.Take(Index).Select(line => line.ToString());

    /// <summary>The lines before it, and the line.</summary>
    public IEnumerable<string> UpToHere => Before.Append(Line);

    /// <summary>For a person.</summary>
    public override string ToString() => string.Concat(
        IsOfFiles ? "  files\n" : $"  line {Index + 1}: {Line}\n",
        Difference("exit code", Ours.ExitCode.ToString(CultureInfo.InvariantCulture), Theirs.ExitCode.ToString(CultureInfo.InvariantCulture)),
        Difference("output", Ours.Out, Theirs.Out),
        Difference("errors", Ours.Error, Theirs.Error));

    private static string Difference(string what, string ours, string theirs) => ours == theirs ? "" : $"    {what}\n      ours:   {Indent(ours)}\n      theirs: {Indent(theirs)}\n";

    private static string Indent(string text) => text.TrimEnd('\n').Replace("\n", "\n              ", StringComparison.Ordinal);
}
