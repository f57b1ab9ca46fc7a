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

    /// <summary>The value at <paramref name="fraction"/> of the sorted values, between neighbours where it falls between them.</summary>
    public static double At(IEnumerable<double> values, double fraction)
    {
        double[] sorted = [.. values.Order()];
        double position = fraction * (sorted.Length - 1);
        int below = (int)position;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }
}
