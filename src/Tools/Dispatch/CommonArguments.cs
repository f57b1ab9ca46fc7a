using System.CommandLine;

namespace BlockGraph.Tools.Dispatch;

/// <summary>Arguments that several commands take, so that they read the same in each.</summary>
internal static class CommonArguments
{
    /// <summary>The OPTIONS argument.</summary>
    public static Argument<string> Options() => new("OPTIONS")
    {
        Description = "what to open: a file name, key=value,..., JSON in braces, or json:{...}",
    };

    /// <summary><c>--json</c>.</summary>
    public static Option<bool> Json() => new("--json") { Description = "print JSON" };

    /// <summary><c>--virtual-time</c>.</summary>
    public static Option<bool> VirtualTime() => new("--virtual-time")
    {
        Description = "run on a simulated clock, which moves only when everything waits for it",
    };
}
