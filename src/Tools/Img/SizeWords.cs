using System.Globalization;

namespace BlockGraph.Tools.Img;

/// <summary>A size in three digits and a unit: <c>1.5 KiB</c>. From 1000 on the next unit is taken.</summary>
internal static class SizeWords
{
    private const double UnitStep = 1024;
    private const double NextUnitFrom = 1000;
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>The words for <paramref name="bytes"/>.</summary>
    public static string Of(long bytes)
    {
        double value = bytes;
        int unit = 0;
        for (; value >= NextUnitFrom && unit < s_units.Length - 1; unit++)
        {
            value /= UnitStep;
        }

        return $"{ThreeDigits(value)} {s_units[unit]}";
    }

    // As C's %.3g prints it.
    private static string ThreeDigits(double value)
    {
        string exponential = value.ToString("E2", CultureInfo.InvariantCulture);
        int exponent = int.Parse(exponential[(exponential.IndexOf('E', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture);
        return exponent >= 3
            ? "1e+03"
            : Math.Round((decimal)value, Math.Max(0, 2 - exponent), MidpointRounding.ToEven).ToString("0.#########", CultureInfo.InvariantCulture);
    }
}
