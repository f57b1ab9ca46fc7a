namespace BlockGraph.BlockCore.Images;

/// <summary>Cuts what was read into runs of data and of zeros.</summary>
internal static class ZeroRuns
{
    /// <summary>The run that <paramref name="bytes"/> begin with: how long it is, and whether it is of zeros.</summary>
    /// <param name="bytes">What was read; not empty.</param>
    /// <param name="offset">Where they lie in the target, in bytes: runs begin and end at multiples of <paramref name="pieceBytes"/> there.</param>
    /// <param name="pieceBytes">What is zeros or not as a whole, in bytes: a power of two.</param>
    /// <param name="runBytesMin">The shortest run of zeros that counts, in bytes; one at the end of the bytes counts too, for it may go on.</param>
    public static (int LengthBytes, bool IsZero) First(ReadOnlySpan<byte> bytes, long offset, int pieceBytes, long runBytesMin)
    {
        int end = PieceEnd(bytes, 0, offset, pieceBytes);
        bool isZero = IsZero(bytes[..end]);
        int zeroStart = end;
        while (end < bytes.Length)
        {
            int next = PieceEnd(bytes, end, offset, pieceBytes);
            bool isNextZero = IsZero(bytes[end..next]);
            if (isZero && !isNextZero)
            {
                if (end >= runBytesMin)
                {
                    return (end, true);
                }

                // Too short: it is data.
                isZero = false;
            }

            if (!isZero && isNextZero && next - zeroStart >= runBytesMin)
            {
                return (zeroStart, false);
            }

            zeroStart = isNextZero ? zeroStart : next;
            end = next;
        }

        return !isZero && zeroStart < end ? (zeroStart, false) : (end, isZero);
    }

    /// <summary>True where every byte is zero.</summary>
    public static bool IsZero(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept((byte)0) < 0;

    private static int PieceEnd(ReadOnlySpan<byte> bytes, int start, long offset, int pieceBytes) =>
        (int)Math.Min(bytes.Length, start + pieceBytes - ((offset + start) & (pieceBytes - 1)));
}
