namespace BlockGraph.Benchmarks.Compare;

/// <summary>A figure of our own that must keep a limit.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Unit">Of the numbers.</param>
/// <param name="Value">What was measured.</param>
/// <param name="Must">The most that is no failure.</param>
/// <param name="Aim">What is hoped for; null where that is the same.</param>
internal sealed record FigureResult(string Name, string Unit, Spread Value, double Must, double? Aim)
{
    /// <summary>Whether the limit was missed.</summary>
    public bool HasMissed => Value.Median > Must;

    /// <summary>In a word or two, for the table.</summary>
    public string Verdict => HasMissed ? "MISSED" : Aim is { } aim && Value.Median <= aim ? "ok, aim reached" : "ok";
}
