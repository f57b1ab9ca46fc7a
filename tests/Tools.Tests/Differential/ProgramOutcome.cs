using System.Diagnostics;
using System.Text.RegularExpressions;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>
/// What each line of a case has done under one of the programs, without what differs from run to run: the folder, times, rates and the program's version. And what files there are in
/// the end.
/// </summary>
internal sealed partial record ProgramOutcome(IReadOnlyList<ToolRun> Runs, IReadOnlyList<string> Files)
{
    private const int LimitMs = 20_000;

    // What hangs inside this process cannot be ended: it ends the test, by name.
    private const int HereLimitMs = 60_000;
    private const int AbortedExitCode = 134;
    private const int TimeoutExitCode = 124;

    /// <summary>Runs the lines of <paramref name="made"/> in a fresh folder at <paramref name="path"/>, which has a copy of every file of <paramref name="images"/>.</summary>
    public static ProgramOutcome Of(DifferentialCase made, string path, string? images, Func<CommandLine, string, ToolRun> run)
    {
        using PreparedFolder folder = new(path, images);
        ToolRun[] runs = [.. made.Lines.Select(line => run(line, path)).Select(one => new ToolRun(one.ExitCode, Normal(one.Out), Normal(one.Error)))];
        return new ProgramOutcome(runs, folder.Describe());

        string Normal(string output)
        {
            string text = Timeless(output).Replace(path, "FOLDER", StringComparison.Ordinal);
            return made.Format == "raw" ? text : PlacementFilter.Without(text);
        }
    }

    /// <summary>Runs a line in a process; <paramref name="program"/> is what the caller types for it.</summary>
    public static ToolRun RunProcess(CommandLine line, string folder, string program) => InstalledProgram.WithTime(() => RunProcessOnce(line, folder, program));

    private static ToolRun RunProcessOnce(CommandLine line, string folder, string program)
    {
        ProcessStartInfo start = new(program, line.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(LimitMs))
        {
            process.Kill();
            return new ToolRun(TimeoutExitCode, "", $"no end after {LimitMs} ms: {line}");
        }

        return new ToolRun(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    /// <summary>Runs a line inside this process, as the program would by the name in front.</summary>
    public static ToolRun RunHere(CommandLine line, string folder)
    {
        string before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = folder;
        try
        {
            Task<ToolRun> run = Task.Run(() => RunOrAbort(line));
            return run.Wait(HereLimitMs) ? run.Result : throw new TimeoutException($"no end after {HereLimitMs} ms: {line}");
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    private static ToolRun RunOrAbort(CommandLine line)
    {
        try
        {
            return ToolRun.By(line.Program, "", line.Arguments);
        }
        catch (Exception failure)
        {
            // The process would have been aborted.
            return new ToolRun(AbortedExitCode, "", failure.ToString());
        }
    }

    /// <summary>The lines of <paramref name="made"/> that have done something else under <paramref name="theirs"/>, and the files in the end, which have no line, if those are others.</summary>
    public IReadOnlyList<LineDifference> DifferencesTo(ProgramOutcome theirs, DifferentialCase made)
    {
        List<LineDifference> differences = [.. made.Lines.Index().Where(at => Runs[at.Index] != theirs.Runs[at.Index]).Select(at => new LineDifference(made, at.Index, Runs[at.Index], theirs.Runs[at.Index], [.. theirs.Runs.Take(at.Index)]))];
        if (!Files.SequenceEqual(theirs.Files))
        {
            differences.Add(new LineDifference(made, made.Lines.Count, Listing(Files.Except(theirs.Files)), Listing(theirs.Files.Except(Files)), theirs.Runs));
        }

        return differences;

        static ToolRun Listing(IEnumerable<string> files) => new(0, string.Join('\n', files), "");
    }

    private static string Timeless(string text)
    {
        string timeless = BenchPattern().Replace(IoPattern().Replace(text, "; TIME"), "completed in TIME");
        string undated = DatePattern().Replace(SecondsPattern().Replace(timeless, "$1N"), "DATE TIME");
        return HelpPattern().Replace(NodePattern().Replace(VersionPattern().Replace(ScriptPattern().Replace(undated, "$1TIME"), "version N"), "#block"), "HELP\n");
    }

    [GeneratedRegex(@"; [0-9.:]+( sec)? \([^)]*\)", RegexOptions.ExplicitCapture)]
    private static partial Regex IoPattern();

    // The line for a script: bytes, operations, seconds, and the two rates made from them.
    [GeneratedRegex(@"^([0-9]+,[0-9]+,)[0-9.:]+,[^\n]*", RegexOptions.Multiline)]
    private static partial Regex ScriptPattern();

    // The help is each program's own.
    [GeneratedRegex(@"^Usage: qemu-io .*?(for the commands\.\n|<https://qemu\.org>\.\n)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex HelpPattern();

    // Nodes without a name are numbered from anywhere.
    [GeneratedRegex("#block[0-9]{3,}")]
    private static partial Regex NodePattern();

    // When a snapshot was made.
    [GeneratedRegex(@"2[0-9]{3}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")]
    private static partial Regex DatePattern();

    [GeneratedRegex("(\"date-n?sec\": )[0-9]+")]
    private static partial Regex SecondsPattern();

    [GeneratedRegex(@"completed in [0-9.]+ seconds")]
    private static partial Regex BenchPattern();

    [GeneratedRegex(@"version 7\.2\.[0-9]+ \([^)]*\)(\nCopyright [^\n]*)?")]
    private static partial Regex VersionPattern();
}
