using System.Globalization;

namespace BlockGraph.BlockCore.Options;

/// <summary>Real numbers as text: at most 17 significant digits, trailing zeros cut, as C's <c>%.17g</c> has them. <i>QEMU: qnum_to_string().</i></summary>
public static class RealText
{
    private const int SignificantDigits = 17;
    private const int SmallestPlainExponent = -4;

    /// <summary>The text of <paramref name="value"/>, such as <c>1000</c>, <c>0.10000000000000001</c>, <c>1e+17</c>, <c>inf</c>.</summary>
    public static string Format(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
        }

        string scientific = value.ToString("E16", CultureInfo.InvariantCulture);
        int mark = scientific.IndexOf('E', StringComparison.Ordinal);
        int exponent = int.Parse(scientific[(mark + 1)..], CultureInfo.InvariantCulture);
        if (exponent is >= SmallestPlainExponent and < SignificantDigits)
        {
            return CutZeros(value.ToString("F" + (SignificantDigits - 1 - exponent).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));
        }

        string sign = exponent < 0 ? "-" : "+";
        return CutZeros(scientific[..mark]) + "e" + sign + Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);
    }

    private static string CutZeros(string digits) => digits.Contains('.', StringComparison.Ordinal) ? digits.TrimEnd('0').TrimEnd('.') : digits;
}
