using System.Globalization;
using System.Text;

namespace BlockGraph.Tools.Io;

/// <summary>Shows bytes sixteen a line: offset, hexadecimal, and letters and digits as themselves.</summary>
internal static class HexDump
{
    private const int LineBytes = 16;

    /// <summary>Prints <paramref name="bytes"/>, the first of which lies at <paramref name="offset"/>.</summary>
    public static void Print(TextWriter output, long offset, ReadOnlySpan<byte> bytes)
    {
        StringBuilder line = new();
        for (int start = 0; start < bytes.Length; start += LineBytes)
        {
            ReadOnlySpan<byte> part = bytes.Slice(start, Math.Min(LineBytes, bytes.Length - start));
            line.Clear().Append(CultureInfo.InvariantCulture, $"{offset + start:x8}:  ");
            foreach (byte value in part)
            {
                line.Append(CultureInfo.InvariantCulture, $"{value:x2} ");
            }

            line.Append(' ');
            foreach (byte value in part)
            {
                line.Append(char.IsAsciiLetterOrDigit((char)value) ? (char)value : '.');
            }

            output.WriteLine(line);
        }
    }
}
