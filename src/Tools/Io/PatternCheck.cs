namespace BlockGraph.Tools.Io;

/// <summary>Which part of what was read must consist of one byte.</summary>
/// <param name="Pattern">The byte.</param>
/// <param name="Start">Where the part begins in the buffer, in bytes.</param>
/// <param name="Length">How long it is; 0 for no check.</param>
internal readonly record struct PatternCheck(byte Pattern, int Start, int Length)
{
    /// <summary>No check.</summary>
    public static PatternCheck None => default;

    /// <summary>True where <paramref name="bytes"/> are as they must be; otherwise that is told.</summary>
    /// <param name="output">Where to tell.</param>
    /// <param name="offset">Where the bytes lie in the image.</param>
    /// <param name="bytes">What was read.</param>
    public bool Verify(TextWriter output, long offset, ReadOnlySpan<byte> bytes)
    {
        bool isAsExpected = bytes.Slice(Start, Length).IndexOfAnyExcept(Pattern) < 0;
        if (!isAsExpected)
        {
            output.WriteLine($"Pattern verification failed at offset {offset + Start}, {Length} bytes");
        }

        return isAsExpected;
    }
}
