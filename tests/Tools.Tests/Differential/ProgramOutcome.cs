using System.Diagnostics;
using System.Text.RegularExpressions;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>What a case has done under one of the programs, without what differs from run to run: the folder, times, rates and the program's version.</summary>
internal sealed partial record ProgramOutcome(IReadOnlyList<int> ExitCodes, string Out, string Error, IReadOnlyList<string> Files)
{
    private const int LimitMs = 20_000;
    private const int AbortedExitCode = 134;
    private const int TimeoutExitCode = 124;

    /// <summary>Runs the lines of <paramref name="made"/> in a fresh folder at <paramref name="path"/>, which has a copy of every file of <paramref name="images"/>.</summary>
    public static ProgramOutcome Of(DifferentialCase made, string path, string? images, Func<CommandLine, string, ToolRun> run)
    {
        using PreparedFolder folder = new(path, images);
        ToolRun[] runs = [.. made.Lines.Select(line => run(line, path))];
        return new ProgramOutcome(
            [.. runs.Select(one => one.ExitCode)],
            Normal(runs.Select(one => one.Out)),
            Normal(runs.Select(one => one.Error)),
            folder.Describe());

        string Normal(IEnumerable<string> outputs)
        {
            string text = Timeless(string.Concat(outputs)).Replace(path, "FOLDER", StringComparison.Ordinal);
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
            return ToolRun.By(line.Program, "", line.Arguments);
        }
        catch (Exception failure)
        {
            // The process would have been aborted.
            return new ToolRun(AbortedExitCode, "", failure.ToString());
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    /// <summary>What is not the same, for a person; empty where all is.</summary>
    public string DifferenceTo(ProgramOutcome theirs) => string.Concat(
        Difference("exit code", string.Join(", ", ExitCodes), string.Join(", ", theirs.ExitCodes)),
        Difference("standard output", Out, theirs.Out),
        Difference("standard error", Error, theirs.Error),
        Difference("files", string.Join('\n', Files.Except(theirs.Files)), string.Join('\n', theirs.Files.Except(Files))));

    private static string Difference(string what, string ours, string theirs) =>
        ours == theirs ? "" : $"  {what}\n    ours:   {Indent(ours)}\n    theirs: {Indent(theirs)}\n";

    private static string Indent(string text) => text.TrimEnd('\n').Replace("\n", "\n            ", StringComparison.Ordinal);

    private static string Timeless(string text)
    {
        string timeless = BenchPattern().Replace(IoPattern().Replace(text, "; TIME"), "completed in TIME");
        string undated = DatePattern().Replace(SecondsPattern().Replace(timeless, "$1N"), "DATE TIME");
        return HelpPattern().Replace(VersionPattern().Replace(ScriptPattern().Replace(undated, "$1TIME"), "version N"), "HELP\n");
    }

    [GeneratedRegex(@"; [0-9.:]+( sec)? \([^)]*\)", RegexOptions.ExplicitCapture)]
    private static partial Regex IoPattern();

    // The line for a script: bytes, operations, seconds, and the two rates made from them.
    [GeneratedRegex(@"^([0-9]+,[0-9]+,)[0-9.:]+,[^\n]*", RegexOptions.Multiline)]
    private static partial Regex ScriptPattern();

    // The help is each program's own.
    [GeneratedRegex(@"^Usage: qemu-io .*?(for the commands\.\n|<https://qemu\.org>\.\n)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex HelpPattern();

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
