namespace BlockGraph.Tools.Manual;

/// <summary>Words as a shell takes them literally.</summary>
internal static class ShellText
{
    /// <summary>In single quotes, for bash and zsh.</summary>
    public static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>In single quotes, for fish.</summary>
    public static string QuoteForFish(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
