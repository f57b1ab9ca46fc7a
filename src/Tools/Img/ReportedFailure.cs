namespace BlockGraph.Tools.Img;

/// <summary>A command has failed and has told the person already; the program ends with <paramref name="exitCode"/>.</summary>
internal sealed class ReportedFailure(int exitCode = 1) : Exception("the failure has been reported")
{
    /// <summary>What the program returns.</summary>
    public int ExitCode { get; } = exitCode;
}
