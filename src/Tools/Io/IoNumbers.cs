using System.Globalization;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Io;

/// <summary>Reads the numbers of io commands, and says what is wrong with those that are none.</summary>
internal static class IoNumbers
{
    private const int SectorBytes = 512;

    /// <summary>The longest request, in bytes: the largest multiple of a sector that a signed 32-bit length holds.</summary>
    public const long LengthBytesMax = int.MaxValue / 512 * 512;

    /// <summary>Reads an offset or length in bytes, with a suffix of base 1024 or without.</summary>
    /// <param name="text">What the user wrote.</param>
    /// <param name="bytes">The number.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? ReadBytes(string text, out long bytes)
    {
        NumberTextStatus status = SizeText.TryParse(text, out ulong value);
        bytes = status == NumberTextStatus.Ok && value <= long.MaxValue ? (long)value : 0;
        return status switch
        {
            NumberTextStatus.Ok when value <= long.MaxValue => null,
            NumberTextStatus.Malformed => $"Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- {text}",
            _ => $"Parsing error: argument too large -- {text}",
        };
    }

    /// <summary>Reads a length in bytes that one request can have.</summary>
    public static string? ReadLength(string text, out long bytes, string unless = "") =>
        ReadBytes(text, out bytes) ?? (bytes > LengthBytesMax ? $"length cannot exceed {LengthBytesMax}{unless}, given {text}" : null);

    /// <summary>Reads the length in bytes of one piece of a request whose pieces before it have <paramref name="earlierBytes"/> bytes.</summary>
    public static string? ReadPieceLength(string text, long earlierBytes, out long bytes) =>
        ReadBytes(text, out bytes)
        ?? (bytes > LengthBytesMax ? $"Argument '{text}' exceeds maximum size {LengthBytesMax}"
            : bytes > LengthBytesMax - earlierBytes ? $"The total number of bytes exceed the maximum size {LengthBytesMax}"
            : null);

    /// <summary>Null for a whole number of sectors; otherwise says that <paramref name="what"/> is none.</summary>
    public static string? CheckSectors(long bytes, string what) =>
        bytes % SectorBytes == 0 ? null : $"{bytes} is not a sector-aligned value for '{what}'";

    /// <summary>Reads a byte of a pattern: 0 to 255 by C's rules.</summary>
    public static string? ReadPattern(string text, out byte pattern)
    {
        bool isPattern = NumberText.TryParse(text, out long value) == NumberTextStatus.Ok && value is >= 0 and <= byte.MaxValue;
        pattern = isPattern ? (byte)value : (byte)0;
        return isPattern ? null : $"{text} is not a valid pattern byte";
    }

    /// <summary>Reads a time in milliseconds.</summary>
    public static string? ReadMilliseconds(string text, out long milliseconds)
    {
        bool isNumber = NumberText.TryParse(text, out milliseconds) == NumberTextStatus.Ok && milliseconds is >= 0 and <= long.MaxValue / 1_000_000;
        return isNumber ? null : $"{text} is not a valid number";
    }

    /// <summary>A number of bytes in the largest unit that leaves at least one of it, without a fraction of zeros.</summary>
    public static string Amount(double bytes)
    {
        const int UnitFactor = 1024;
        string[] units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        int unit = 0;
        while (bytes >= UnitFactor && unit < units.Length - 1)
        {
            bytes /= UnitFactor;
            unit++;
        }

        string number = double.IsInfinity(bytes) ? "inf" : bytes.ToString(unit == 0 ? "F6" : "F3", CultureInfo.InvariantCulture);
        int dot = number.IndexOf('.', StringComparison.Ordinal);
        bool isWhole = dot >= 0 && number.AsSpan(dot + 1).IndexOfAnyExcept('0') < 0;
        return $"{(isWhole ? number[..dot] : number)} {units[unit]}";
    }
}
