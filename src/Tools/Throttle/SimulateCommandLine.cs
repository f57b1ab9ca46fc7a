using System.CommandLine;
using System.Text;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Throttle.Simulation;

namespace BlockGraph.Tools.Throttle;

/// <summary>The command line of <c>blockgraph throttle simulate</c>: vectors in a JSON file, or a trace.</summary>
internal sealed class SimulateCommandLine
{
    private const string StandardInput = "-";
    private readonly IToolConsole _console;
    private readonly Argument<string?> _file = new("FILE") { Description = "a JSON array of vectors, or - for standard input", Arity = ArgumentArity.ZeroOrOne };

    private SimulateCommandLine(IToolConsole console) => _console = console;

    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console)
    {
        SimulateCommandLine line = new(console);
        Command command = new("simulate", "Run requests through real throttle nodes on a simulated clock and tell when each is admitted.") { line._file };
        command.SetAction(line.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string file = parsed.GetValue(_file) ?? throw new BlockException("no file to simulate");
        RunVectors(file);
        return 0;
    }

    private void RunVectors(string file)
    {
        string name = file == StandardInput ? "standard input" : file;
        byte[] json = ReadFile(file);
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
            throw new BlockException(failure.Kind, $"{name}: {failure.Message}", failure);
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

    private byte[] ReadFile(string file) =>
        file == StandardInput ? Encoding.UTF8.GetBytes(_console.In.ReadToEnd()) : InputFile.ReadAllBytes(file);
}
