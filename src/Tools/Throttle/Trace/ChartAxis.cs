namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>Round numbers along an axis.</summary>
internal static class ChartAxis
{
    private const double NsPerSecond = 1e9;
    private const int StepCountWanted = 4;
    private static readonly double[] s_decimalSteps = [1, 2, 5, 10];
    private static readonly double[] s_binarySteps = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
    private static readonly double[] s_timeSteps = [60, 120, 300, 600, 1200, 3600, 7200, 14400, 21600, 43200, 86400];

    /// <summary>The numbers from 0 to <paramref name="max"/> that an axis shows.</summary>
    public static IReadOnlyList<double> Values(double max, bool isBytes)
    {
        double least = max / StepCountWanted;
        double root = isBytes ? 1024 : 10;
        double power = Math.Pow(root, Math.Floor(Math.Log(least, root)));
        double step = power * (isBytes ? s_binarySteps : s_decimalSteps).First(factor => factor * power >= least * 0.999999 || factor >= root);
        return Multiples(step, max);
    }

    /// <summary>The instants from 0 to <paramref name="spanNs"/> that a time axis shows, in nanoseconds.</summary>
    public static IReadOnlyList<double> Times(double spanNs)
    {
        double least = spanNs / NsPerSecond / (2 * StepCountWanted);
        double step = least > s_timeSteps[0] / 2 && least <= s_timeSteps[^1] ? s_timeSteps.First(seconds => seconds >= least) : DecimalStep(least);
        return Multiples(step * NsPerSecond, spanNs);
    }

    private static double DecimalStep(double least)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return power * s_decimalSteps.First(factor => factor * power >= least * 0.999999);
    }

    private static List<double> Multiples(double step, double max)
    {
        List<double> values = [];
        for (int i = 0; i * step <= max * 1.000001; i++)
        {
            values.Add(i * step);
        }

        return values;
    }
}
