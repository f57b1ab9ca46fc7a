using System.Text.Json;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Tests;

/// <summary>A console of strings.</summary>
internal sealed class TestConsole : IToolConsole
{
    private readonly StringWriter _out = new() { NewLine = "\n" };
    private readonly StringWriter _error = new() { NewLine = "\n" };
    private Action? _onInterrupt;

    public TextReader In { get; init; } = new StringReader("");

    /// <summary>Where the output goes instead of into the string.</summary>
    public Stream? Output { get; init; }

    public TextWriter Out => Output is null ? _out : new StreamWriter(Output) { AutoFlush = true };

    public TextWriter Error => _error;

    public bool IsInputTerminal { get; init; }

    public bool IsOutputTerminal { get; init; }

    public bool IsErrorTerminal { get; init; }

    public int? OutputWidth { get; init; }

    public int? ErrorWidth { get; init; }

    public bool HasErrorColour { get; init; }

    /// <summary>As if a person had pressed Ctrl+C; does nothing where nobody listens.</summary>
    public void Interrupt() => _onInterrupt?.Invoke();

    public IDisposable HearInterrupts(Action onInterrupt)
    {
        _onInterrupt = onInterrupt;
        return new Hearing(this);
    }

    private sealed class Hearing(TestConsole console) : IDisposable
    {
        public void Dispose() => console._onInterrupt = null;
    }
}

/// <summary>What one command line has done.</summary>
internal sealed record ToolRun(int ExitCode, string Out, string Error)
{
    public string[] OutLines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The output, which is one JSON text.</summary>
    public JsonElement Json()
    {
        using JsonDocument document = JsonDocument.Parse(Out);
        return document.RootElement.Clone();
    }

    /// <summary>Runs the program by its own name.</summary>
    public static ToolRun Own(params string[] arguments) => By("blockgraph", "", arguments);

    /// <summary>Runs <c>io</c> on <paramref name="options"/> with a <c>-c</c> for each command.</summary>
    public static ToolRun Io(string options, params string[] commands) =>
        Own(["io", options, .. commands.SelectMany(command => new[] { "-c", command })]);

    /// <summary>Runs the program by the name of a link.</summary>
    public static ToolRun By(string name, string input, params string[] arguments) =>
        On(new TestConsole { In = new StringReader(input) }, name, arguments);

    public static ToolRun On(TestConsole console, string name, params string[] arguments) => With([], console, name, arguments);

    /// <summary>Runs the program as if it had <paramref name="drivers"/>, too.</summary>
    public static ToolRun With(IReadOnlyList<BlockDriver> drivers, TestConsole console, string name, params string[] arguments)
    {
        int exitCode = new CommandDispatcher(console, drivers).Run(name, arguments);
        return new ToolRun(exitCode, console.Out.ToString()!, console.Error.ToString()!);
    }

    /// <summary>The output without what depends on the clock.</summary>
    public string TimelessOut => TimePattern().Replace(Out, "T sec (R)");

    private static System.Text.RegularExpressions.Regex TimePattern() => new(@"[0-9:.]+( sec)? \([^)]*sec\)");
}
