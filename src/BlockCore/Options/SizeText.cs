using System.Globalization;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Options;

/// <summary>
/// The grammar of sizes in option strings, in bytes: a decimal or hexadecimal integer, or a decimal fraction, and one
/// suffix of <c>bBkKmMgGtTpPeE</c> with base 1024. White space and a plus sign may lead. <i>QEMU: parse_option_size().</i>
/// </summary>
/// <remarks>
/// A fraction is a double turned into 64 binary places, so that <c>1.1E</c> is the same number of bytes as there; the
/// product with the scale is exact, and half a byte rounds up. A fraction that a double cannot tell from 1 carries into
/// the integer, where QEMU 7.2 loses it.
/// </remarks>
public static class SizeText
{
    private const string Suffixes = "BKMGTPE";

    private const string SuffixHint =
        "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.";

    /// <summary>Reads <paramref name="text"/> as a size below 2^64.</summary>
    /// <param name="text">What the option string has behind the equals sign.</param>
    /// <param name="bytes">The size in bytes; 0 unless the status is <see cref="NumberTextStatus.Ok"/>.</param>
    public static NumberTextStatus TryParse(string text, out ulong bytes)
    {
        ArgumentNullException.ThrowIfNull(text);
        bytes = 0;
        int position = NumberText.LeadingSpace(text);
        bool isNegative = position < text.Length && text[position] == '-';
        if (position < text.Length && text[position] is '-' or '+')
        {
            position++;
        }

        ReadOnlySpan<char> rest = text.AsSpan(position);
        return rest.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? Finish(rest[2..], 16, isNegative, out bytes)
            : Finish(rest, 10, isNegative, out bytes);
    }

    /// <summary>The size in <paramref name="text"/>, in bytes.</summary>
    /// <param name="parameterName">The option's name, for the error texts.</param>
    /// <param name="text">What the option string has behind the equals sign.</param>
    /// <exception cref="BlockException">It is not a size, or it is above 2^63 - 1.</exception>
    public static long Parse(string parameterName, string text) => TryParse(text, out ulong bytes) switch
    {
        NumberTextStatus.Ok when bytes <= long.MaxValue => (long)bytes,
        NumberTextStatus.Malformed => throw MalformedFailure(parameterName),
        _ => throw OutOfRangeFailure(parameterName, text),
    };

    /// <summary>The warning that <paramref name="text"/> deserves: null, or that a suffix on a hexadecimal number is deprecated.</summary>
    public static string? DeprecationOf(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string number = text[NumberText.LeadingSpace(text)..].TrimStart('+');
        bool isHex = number.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return isHex && !char.IsAsciiHexDigit(text[^1]) && TryParse(text, out _) == NumberTextStatus.Ok
            ? $"Using a multiplier suffix on hex numbers is deprecated: {text}"
            : null;
    }

    /// <summary>The failure of a text that is no size.</summary>
    internal static BlockException MalformedFailure(string parameterName) =>
        new($"Parameter '{parameterName}' expects a non-negative number below 2^64") { Hint = SuffixHint };

    /// <summary>The failure of a size that does not fit.</summary>
    internal static BlockException OutOfRangeFailure(string parameterName, string text) =>
        new($"Value '{text}' is out of range for parameter '{parameterName}'");

    private static NumberTextStatus Finish(ReadOnlySpan<char> rest, int radix, bool isNegative, out ulong bytes)
    {
        bytes = 0;
        int digits = CountDigits(rest, radix);
        if (digits == 0)
        {
            return NumberTextStatus.Malformed;
        }

        bool fits = NumberText.TryReadDigits(rest[..digits], radix, out ulong whole);
        rest = rest[digits..];
        if (!fits)
        {
            // An integer beyond 64 bits is "out of range" only by itself; with anything behind it the whole text is refused.
            return rest.IsEmpty ? NumberTextStatus.OutOfRange : NumberTextStatus.Malformed;
        }

        UInt128 fixedPoint = (UInt128)whole << 64;
        if (radix == 10 && rest.StartsWith(".", StringComparison.Ordinal))
        {
            int places = CountDigits(rest[1..], 10);
            UInt128 sum = FixedFraction(rest.Slice(1, places));
            if (sum > UInt128.MaxValue - fixedPoint)
            {
                return NumberTextStatus.OutOfRange;
            }

            fixedPoint += sum;
            rest = rest[(1 + places)..];
        }

        return isNegative ? NumberTextStatus.Malformed : Scale(fixedPoint, rest, (ulong)(fixedPoint >> 64) != whole, out bytes);
    }

    private static NumberTextStatus Scale(UInt128 fixedPoint, ReadOnlySpan<char> suffix, bool hasCarried, out ulong bytes)
    {
        bytes = 0;
        int power = suffix.Length == 1 ? Suffixes.IndexOf(char.ToUpperInvariant(suffix[0]), StringComparison.Ordinal) : 0;
        if (suffix.Length > 1 || power < 0)
        {
            return NumberTextStatus.Malformed;
        }

        ulong whole = (ulong)(fixedPoint >> 64);
        ulong fraction = (ulong)(fixedPoint & ulong.MaxValue);
        if (power == 0 && (fraction != 0 || hasCarried))
        {
            return NumberTextStatus.Malformed; // There is no part of a byte.
        }

        int shift = 10 * power;
        UInt128 half = (UInt128)1 << 63;
        UInt128 product = ((UInt128)whole << shift) + ((((UInt128)fraction << shift) + half) >> 64);
        if (product > ulong.MaxValue)
        {
            return NumberTextStatus.OutOfRange;
        }

        bytes = (ulong)product;
        return NumberTextStatus.Ok;
    }

    // In units of 2^-64; at most 2^64, which is a carry. A double has 53 binary places behind its first one, so the
    // multiplication by a power of two is exact, and the conversion cuts what is below the last place.
    private static UInt128 FixedFraction(ReadOnlySpan<char> places)
    {
        if (places.IsEmpty)
        {
            return 0;
        }

        double fraction = double.Parse($"0.{places}", NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
        return (UInt128)Math.ScaleB(fraction, 64);
    }

    private static int CountDigits(ReadOnlySpan<char> text, int radix)
    {
        int count = 0;
        while (count < text.Length && (radix == 16 ? char.IsAsciiHexDigit(text[count]) : char.IsAsciiDigit(text[count])))
        {
            count++;
        }

        return count;
    }
}
