namespace BlockGraph.Benchmarks.Compare;

/// <summary>Where the middle of repeated measurements lies, and its middle half.</summary>
/// <param name="Median">The middle value.</param>
/// <param name="Low">A quarter of the values are below.</param>
/// <param name="High">A quarter of the values are above.</param>
internal readonly record struct Spread(double Median, double Low, double High)
{
    /// <summary>The spread of <paramref name="values"/>, of which there is at least one.</summary>
    public static Spread Of(IReadOnlyList<double> values) => new(Sample.Median(values), Sample.At(values, 0.25), Sample.At(values, 0.75));
}
