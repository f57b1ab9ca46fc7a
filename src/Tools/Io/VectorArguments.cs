namespace BlockGraph.Tools.Io;

/// <summary>What the commands with several lengths take: an offset and the length of every piece.</summary>
internal static class VectorArguments
{
    /// <summary>Reads the operands of <paramref name="switches"/> and makes the buffer.</summary>
    /// <param name="switches">Its operands are an offset and at least one length.</param>
    /// <param name="pattern">What the buffer is filled with.</param>
    /// <param name="offset">The offset, in bytes.</param>
    /// <param name="buffer">The buffer.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Read(IoSwitches switches, byte pattern, out long offset, out IoBuffer buffer)
    {
        buffer = null!;
        string? error = IoNumbers.ReadBytes(switches.Operands[0], out offset);
        List<long> lengths = [];
        foreach (string text in switches.Operands.Skip(1))
        {
            long length = 0;
            error ??= IoNumbers.ReadLength(text, out length);
            lengths.Add(length);
        }

        return error ?? IoBuffer.TryCreate(lengths, pattern, out buffer);
    }

    /// <summary>Reads the pattern of <c>-P</c>; <paramref name="pattern"/> keeps its value where it is not given.</summary>
    public static string? ReadPattern(IoSwitches switches, ref byte pattern) =>
        switches.Value('P') is { } text ? IoNumbers.ReadPattern(text, out pattern) : null;

    /// <summary>The check of the whole buffer that <c>-P</c> asks for.</summary>
    public static PatternCheck CheckOf(IoSwitches switches, byte pattern, IoBuffer buffer) =>
        switches.Has('P') ? new PatternCheck(pattern, 0, buffer.Memory.Length) : PatternCheck.None;
}
