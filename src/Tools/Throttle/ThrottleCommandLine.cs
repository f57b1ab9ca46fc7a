using System.CommandLine;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Throttle.Explain;

namespace BlockGraph.Tools.Throttle;

/// <summary>The command line of <c>blockgraph throttle</c>.</summary>
internal static class ThrottleCommandLine
{
    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console) => new("throttle", "Explain limits, and simulate what they do to requests.")
    {
        ExplainCommandLine.Create(console),
        SimulateCommandLine.Create(console),
    };

    /// <summary><c>--ascii</c>.</summary>
    public static Option<bool> Ascii() => new("--ascii") { Description = "draw with ASCII characters only" };
}
