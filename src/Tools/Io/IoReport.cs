using System.Globalization;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Io;

/// <summary>How the result of a request is shown: not at all, as two lines for a person, or as one for a script.</summary>
/// <param name="IsQuiet">Say nothing of success.</param>
/// <param name="IsForMachine">One line of comma-separated numbers.</param>
internal readonly record struct IoReport(bool IsQuiet, bool IsForMachine)
{
    private const double NsPerSecond = 1e9;

    /// <summary>The style that <paramref name="switches"/> ask for.</summary>
    public static IoReport Of(IoSwitches switches) => new(switches.Has('q'), switches.Has('C'));

    /// <summary>Prints that a request has moved <paramref name="bytes"/> bytes.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="verb">What it did, as <c>wrote</c>.</param>
    /// <param name="offset">Where, in bytes.</param>
    /// <param name="bytes">How many bytes.</param>
    /// <param name="elapsedNs">How long it took, in nanoseconds.</param>
    public void Print(TextWriter output, string verb, long offset, long bytes, long elapsedNs)
    {
        if (IsQuiet)
        {
            return;
        }

        // Both may be infinite in virtual time.
        double bytesPerSecond = bytes == 0 ? 0 : bytes * NsPerSecond / elapsedNs;
        double opsPerSecond = NsPerSecond / elapsedNs;
        if (IsForMachine)
        {
            output.WriteLine($"{bytes},1,{LongTime(elapsedNs)},{Fixed(bytesPerSecond, "F3")},{Fixed(opsPerSecond, "F3")}");
            return;
        }

        string time = elapsedNs < NsPerSecond ? ShortTime(elapsedNs / NsPerSecond) + " sec" : LongTime(elapsedNs);
        output.WriteLine($"{verb} {bytes}/{bytes} bytes at offset {offset}");
        output.WriteLine($"{IoNumbers.Amount(bytes)}, 1 ops; {time} ({IoNumbers.Amount(bytesPerSecond)}/sec and {Fixed(opsPerSecond, "F4")} ops/sec)");
    }

    /// <summary>Prints that a request has failed.</summary>
    public static void PrintFailure(TextWriter output, string name, BlockException failure) =>
        output.WriteLine($"{name} failed: {failure.Kind.ToErrnoText()}");

    private static string LongTime(long elapsedNs)
    {
        double seconds = elapsedNs / NsPerSecond;
        long minutes = (long)(seconds / 60);
        return $"{minutes / 60}:{minutes % 60:D2}:{ShortTime(seconds - (minutes * 60))}";
    }

    private static string ShortTime(double seconds) => seconds.ToString("00.00", CultureInfo.InvariantCulture);

    private static string Fixed(double value, string format) => double.IsInfinity(value) ? "inf" : value.ToString(format, CultureInfo.InvariantCulture);
}
