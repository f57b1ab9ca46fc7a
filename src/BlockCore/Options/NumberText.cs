using System.Globalization;
using System.Numerics;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Options;

/// <summary>
/// The grammar of integers in option strings: C's rules for base 0, so <c>0x10</c> is 16 and <c>010</c> is 8. White
/// space may lead and may not trail; there are no suffixes. <i>QEMU: parse_option_number().</i>
/// </summary>
public static class NumberText
{
    // The longest magnitude in any base is 64 binary digits worth of octal: 22 digits; longer ones (after zeros) are too large.
    private const int MaximumDigits = 22;

    /// <summary>Reads <paramref name="text"/> as a signed 64-bit integer.</summary>
    /// <param name="text">What the option string has behind the equals sign.</param>
    /// <param name="value">The number; 0 unless the status is <see cref="NumberTextStatus.Ok"/>.</param>
    public static NumberTextStatus TryParse(string text, out long value)
    {
        value = 0;
        NumberTextStatus status = TryParseMagnitude(text, out ulong magnitude, out bool isNegative);
        if (status != NumberTextStatus.Ok)
        {
            return status;
        }

        Int128 signed = isNegative ? -(Int128)magnitude : magnitude;
        if (signed < long.MinValue || signed > long.MaxValue)
        {
            return NumberTextStatus.OutOfRange;
        }

        value = (long)signed;
        return NumberTextStatus.Ok;
    }

    /// <summary>Reads <paramref name="text"/> as an unsigned 64-bit integer. As in C, a minus sign negates modulo 2^64: <c>-1</c> is 2^64 - 1.</summary>
    /// <param name="text">What the option string has behind the equals sign.</param>
    /// <param name="value">The number; 0 unless the status is <see cref="NumberTextStatus.Ok"/>.</param>
    public static NumberTextStatus TryParseUnsigned(string text, out ulong value)
    {
        NumberTextStatus status = TryParseMagnitude(text, out ulong magnitude, out bool isNegative);
        value = isNegative ? unchecked(0UL - magnitude) : magnitude; // The wrap is what C promises.
        return status;
    }

    /// <summary>The signed number in <paramref name="text"/>.</summary>
    /// <param name="parameterName">The option's name, for the error texts.</param>
    /// <param name="text">What the option string has behind the equals sign.</param>
    /// <exception cref="BlockException">It is not a number, or it does not fit into 64 bits with sign.</exception>
    public static long Parse(string parameterName, string text)
    {
        NumberTextStatus status = TryParse(text, out long value);
        return status == NumberTextStatus.Ok ? value : throw Failure(parameterName, text, status);
    }

    /// <summary>The unsigned number in <paramref name="text"/>; a minus sign negates modulo 2^64.</summary>
    /// <param name="parameterName">The option's name, for the error texts.</param>
    /// <param name="text">What the option string has behind the equals sign.</param>
    /// <exception cref="BlockException">It is not a number, or its magnitude does not fit into 64 bits.</exception>
    public static ulong ParseUnsigned(string parameterName, string text)
    {
        NumberTextStatus status = TryParseUnsigned(text, out ulong value);
        return status == NumberTextStatus.Ok ? value : throw Failure(parameterName, text, status);
    }

    /// <summary>How many of the characters of <paramref name="text"/> are white space in front, by C's rules.</summary>
    internal static int LeadingSpace(string text)
    {
        int position = 0;
        while (position < text.Length && text[position] is ' ' or (>= '\t' and <= '\r'))
        {
            position++;
        }

        return position;
    }

    /// <summary>The value of <paramref name="digits"/> in base 8, 10 or 16.</summary>
    /// <returns>False where it does not fit into 64 bits.</returns>
    internal static bool TryReadDigits(ReadOnlySpan<char> digits, int radix, out ulong value)
    {
        value = 0;
        ReadOnlySpan<char> significant = digits.TrimStart('0');
        if (significant.Length > MaximumDigits)
        {
            return false;
        }

        BigInteger sum = BigInteger.Zero;
        foreach (char digit in significant)
        {
            sum = (sum * radix) + int.Parse([digit], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        bool fits = sum <= ulong.MaxValue;
        value = fits ? (ulong)sum : 0;
        return fits;
    }

    private static NumberTextStatus TryParseMagnitude(string text, out ulong magnitude, out bool isNegative)
    {
        ArgumentNullException.ThrowIfNull(text);
        magnitude = 0;
        int position = LeadingSpace(text);
        isNegative = position < text.Length && text[position] == '-';
        if (position < text.Length && text[position] is '-' or '+')
        {
            position++;
        }

        ReadOnlySpan<char> digits = text.AsSpan(position);
        int radix = RadixOf(ref digits);
        if (digits.IsEmpty)
        {
            return NumberTextStatus.Malformed;
        }

        foreach (char digit in digits)
        {
            if (!IsDigit(digit, radix))
            {
                return NumberTextStatus.Malformed;
            }
        }

        return TryReadDigits(digits, radix, out magnitude) ? NumberTextStatus.Ok : NumberTextStatus.OutOfRange;
    }

    // The prefix 0x is consumed; the 0 of an octal number is one of its digits.
    private static int RadixOf(ref ReadOnlySpan<char> digits)
    {
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            digits = digits[2..];
            return 16;
        }

        return digits.StartsWith("0", StringComparison.Ordinal) ? 8 : 10;
    }

    private static bool IsDigit(char character, int radix) =>
        radix == 16 ? char.IsAsciiHexDigit(character) : character >= '0' && character < '0' + radix;

    private static BlockException Failure(string parameterName, string text, NumberTextStatus status) => status == NumberTextStatus.OutOfRange
        ? new BlockException($"Value '{text}' is too large for parameter '{parameterName}'")
        : new BlockException($"Parameter '{parameterName}' expects a number");
}
