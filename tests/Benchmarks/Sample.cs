namespace BlockGraph.Benchmarks;

/// <summary>What repeated measurements come down to.</summary>
internal static class Sample
{
    /// <summary>The middle value; the mean of the middle two where their number is even.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
