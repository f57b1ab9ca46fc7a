using System.Globalization;

namespace BlockGraph.Tools.Throttle;

/// <summary>Amounts as a person reads them.</summary>
internal static class QuantityText
{
    private const double NsPerSecond = 1e9;
    private const double SecondsPerMinute = 60;
    private const double SecondsPerHour = 3600;
    private const double SecondsPerDay = 86400;
    private const double DaysPerYear = 365.25;
    private static readonly string[] s_binaryUnits = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
    private static readonly string[] s_decimalUnits = ["", "k", "M", "G", "T"];

    /// <summary>A duration in its natural unit, such as <c>2.5 s</c> or <c>3.2 days</c>.</summary>
    public static string Duration(double seconds) => seconds switch
    {
        double.PositiveInfinity => "for ever",
        0 => "0 s",
        < 1e-6 => $"{Short(seconds * NsPerSecond)} ns",
        < 1e-3 => $"{Short(seconds * 1e6)} us",
        < 1 => $"{Short(seconds * 1e3)} ms",
        < 10 * SecondsPerMinute => $"{Short(seconds)} s",
        < 2 * SecondsPerHour => $"{Short(seconds / SecondsPerMinute)} min",
        < 2 * SecondsPerDay => $"{Short(seconds / SecondsPerHour)} h",
        < 2 * DaysPerYear * SecondsPerDay => $"{Short(seconds / SecondsPerDay)} days",
        _ => $"{Short(seconds / SecondsPerDay / DaysPerYear)} years",
    };

    /// <summary>A duration given in nanoseconds.</summary>
    public static string DurationNs(double ns) => Duration(ns / NsPerSecond);

    /// <summary>An amount of bytes or operations, in a unit that keeps the number short; exact where that is possible in few digits.</summary>
    public static string Amount(double value, bool isBytes)
    {
        if (!isBytes)
        {
            return $"{Number(value)} {(value == 1 ? "operation" : "operations")}";
        }

        int unit = BinaryUnitOf(value);
        return value == 1 ? "1 byte" : $"{Short(value / Math.Pow(1024, unit))} {s_binaryUnits[unit]}";
    }

    /// <summary>The amount, and behind it the exact number of bytes where the short one is not in bytes already.</summary>
    public static string ExactAmount(double value, bool isBytes) =>
        isBytes && BinaryUnitOf(value) > 0 ? $"{Amount(value, isBytes)} ({Number(value)} bytes)" : Amount(value, isBytes);

    /// <summary>A rate, short: <c>1.2 MiB/s</c>, <c>1.2k/s</c>.</summary>
    public static string Rate(double perSecond, bool isBytes) => $"{Axis(perSecond, isBytes)}/s";

    /// <summary>A number for an axis, as short as it gets.</summary>
    public static string Axis(double value, bool isBytes)
    {
        if (isBytes)
        {
            int unit = BinaryUnitOf(value);
            return unit == 0 ? $"{Short(value)} B" : $"{Short(value / Math.Pow(1024, unit))} {s_binaryUnits[unit]}";
        }

        int power = 0;
        while (value >= 10000 && power < s_decimalUnits.Length - 1)
        {
            value /= 1000;
            power++;
        }

        return Short(value) + s_decimalUnits[power];
    }

    /// <summary>The number with up to nine digits behind the point.</summary>
    public static string Number(double value) => Math.Round(value, 9).ToString("0.#########", CultureInfo.InvariantCulture);

    /// <summary>The number with about four digits.</summary>
    public static string Short(double value)
    {
        string format = Math.Abs(value) switch
        {
            >= 1000 => "0",
            >= 100 => "0.#",
            >= 10 => "0.##",
            _ => "0.###",
        };
        return value.ToString(format, CultureInfo.InvariantCulture);
    }

    private static int BinaryUnitOf(double value)
    {
        int unit = 0;
        while (value >= 1024 && unit < s_binaryUnits.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit;
    }
}
