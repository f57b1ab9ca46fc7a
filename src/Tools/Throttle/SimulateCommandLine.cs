using System.CommandLine;
using System.CommandLine.Help;
using System.Text;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Throttle.Simulation;
using BlockGraph.Tools.Throttle.Trace;

namespace BlockGraph.Tools.Throttle;

/// <summary>The command line of <c>blockgraph throttle simulate</c>: vectors in a JSON file, or a trace.</summary>
internal sealed class SimulateCommandLine
{
    private const string StandardInput = "-";
    private const string StandardInputName = "standard input";
    private const int WidthDefault = 100;
    private const int WidthMax = 1000;
    private const int ErrorCountMax = 20;
    private readonly IToolConsole _console;
    private readonly Argument<string?> _file = new("FILE") { Description = "a JSON array of vectors, or - for standard input", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string> _trace = new("--trace") { Description = "instead, replay this trace under --limits; - for standard input", HelpName = "CSV" };
    private readonly Option<string> _limits = new("--limits") { Description = LimitsArgument.Description, HelpName = "LIMITS" };
    private readonly Option<string> _html = new("--html") { Description = "write a page with the numbers and charts of a trace to this file, too", HelpName = "FILE" };
    private readonly Option<string> _width = new("--width") { Description = "width of the charts in characters (default: the terminal's, or 100)", HelpName = "N" };
    private readonly Option<bool> _json = new("--json") { Description = "print the numbers of a trace as JSON" };
    private readonly Option<bool> _ascii = ThrottleCommandLine.Ascii();

    private SimulateCommandLine(IToolConsole console) => _console = console;

    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console)
    {
        SimulateCommandLine line = new(console);
        Command command = new("simulate", "Run requests through real throttle nodes on a simulated clock: those of a file, or a trace of a guest's.")
        {
            line._file, line._trace, line._limits, line._html, line._width, line._json, line._ascii, new HelpOption { Action = new SimulateHelp() },
        };
        command.SetAction(line.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string? file = parsed.GetValue(_file);
        string? trace = parsed.GetValue(_trace);
        if (file is null == trace is null)
        {
            throw new BlockException(file is null ? "a FILE of vectors or a --trace is needed" : "a FILE of vectors and a --trace exclude each other");
        }

        if (trace is not null)
        {
            return RunTrace(trace, parsed);
        }

        if (FindTraceOption(parsed) is { } option)
        {
            throw new BlockException($"Option '{option}' is about a --trace");
        }

        RunVectors(file!);
        return 0;
    }

    private string? FindTraceOption(ParseResult parsed) => new Option[] { _limits, _html, _width, _json, _ascii }
        .FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false })?.Name;

    private void RunVectors(string file)
    {
        byte[] json = file == StandardInput ? Encoding.UTF8.GetBytes(_console.In.ReadToEnd()) : InputFile.ReadAllBytes(file);
        List<(string Name, long[] AdmittedAtNs)> results = [];
        try
        {
            foreach (ThrottleVector vector in ThrottleVector.ReadAll(json))
            {
                results.Add((vector.Name, Simulate(vector)));
            }
        }
        catch (BlockException failure)
        {
            throw new BlockException(failure.Kind, $"{NameOf(file)}: {failure.Message}", failure);
        }

        JsonLines.Print(_console.Out, isIndented: false, writer =>
        {
            writer.WriteStartArray();
            foreach ((string vector, long[] admittedAtNs) in results)
            {
                writer.WriteStartObject();
                writer.WriteString("name", vector);
                writer.WriteStartArray("admitted_at_ns");
                foreach (long ns in admittedAtNs)
                {
                    writer.WriteNumberValue(ns);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
    }

    private static long[] Simulate(ThrottleVector vector)
    {
        try
        {
            return ThrottleSimulation.Run(vector.Config, vector.MemberCount, vector.Requests);
        }
        catch (BlockException failure)
        {
            throw new BlockException(failure.Kind, $"vector '{vector.Name}': {failure.Message}", failure);
        }
    }

    private int RunTrace(string file, ParseResult parsed)
    {
        string limits = parsed.GetValue(_limits) ?? throw new BlockException("a --trace needs --limits");
        ThrottleConfig config = LimitsArgument.Read(limits);
        int width = ReadWidth(parsed.GetValue(_width));
        TraceFile trace = ReadTrace(file);
        if (trace.Errors.Count > 0)
        {
            return Complain(trace.Errors);
        }

        TraceSummary summary = TraceSummary.Of(TraceReplay.Run(trace, config));
        if (parsed.GetValue(_html) is { } page)
        {
            InputFile.Write(page, TraceHtml.Compose(summary));
        }

        if (parsed.GetValue(_json))
        {
            TraceJson.Print(_console.Out, summary);
            return 0;
        }

        TraceReport.PrintSummary(_console.Out, summary);
        bool isUnicode = !parsed.GetValue(_ascii);
        TraceReport.PrintCharts(_console.Out, summary, width, isUnicode, isColoured: _console.IsOutputTerminal);
        return 0;
    }

    private TraceFile ReadTrace(string file)
    {
        if (file == StandardInput)
        {
            return TraceFile.Read(_console.In, StandardInputName);
        }

        using TextReader reader = InputFile.OpenText(file);
        return TraceFile.Read(reader, file);
    }

    // Every bad line, so that they can be mended at once; but not thousands.
    private int Complain(IReadOnlyList<string> errors)
    {
        foreach (string error in errors.Take(ErrorCountMax))
        {
            Complaint.Print(_console, CalledName.Own, error);
        }

        if (errors.Count > ErrorCountMax)
        {
            Complaint.Print(_console, CalledName.Own, $"and {errors.Count - ErrorCountMax} more");
        }

        return 1;
    }

    private int ReadWidth(string? text)
    {
        if (text is null)
        {
            return Math.Clamp(_console.OutputWidth ?? WidthDefault, TraceReport.WidthMin, WidthMax);
        }

        long width = NumberText.Parse(_width.Name, text);
        return width is >= TraceReport.WidthMin and <= WidthMax
            ? (int)width
            : throw new BlockException($"Parameter '{_width.Name}' expects a number from {TraceReport.WidthMin} to {WidthMax}");
    }

    private static string NameOf(string file) => file == StandardInput ? StandardInputName : file;
}
