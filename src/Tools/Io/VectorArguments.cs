namespace BlockGraph.Tools.Io;

/// <summary>What the commands with several lengths take: an offset and the length of every piece.</summary>
internal static class VectorArguments
{
    /// <summary>Reads the operands of <paramref name="switches"/> and makes the buffer.</summary>
    /// <param name="session">The run, which may want its buffers misaligned.</param>
    /// <param name="switches">Its operands are an offset and at least one length.</param>
    /// <param name="pattern">What the buffer is filled with.</param>
    /// <param name="offset">The offset, in bytes.</param>
    /// <param name="buffer">The buffer.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Read(IoSession session, IoSwitches switches, byte pattern, out long offset, out IoBuffer buffer)
    {
        buffer = null!;
        string? error = IoNumbers.ReadBytes(switches.Operands[0], out offset);
        List<long> lengths = [];
        foreach (string text in switches.Operands.Skip(1))
        {
            long length = 0;
            error ??= IoNumbers.ReadPieceLength(text, lengths.Sum(), out length);
            lengths.Add(length);
        }

        return error ?? session.TryCreateBuffer(lengths, pattern, out buffer);
    }

    /// <summary>The byte of <c>-P</c>, which has been looked at; <paramref name="otherwise"/> where it is not given.</summary>
    public static byte PatternOf(IoSwitches switches, byte otherwise)
    {
        byte pattern = otherwise;
        if (switches.Value('P') is { } text)
        {
            IoNumbers.ReadPattern(text, out pattern);
        }

        return pattern;
    }

    /// <summary>The check of the whole buffer that <c>-P</c> asks for.</summary>
    public static PatternCheck CheckOf(IoSwitches switches, IoBuffer buffer) =>
        switches.Has('P') ? new PatternCheck(PatternOf(switches, 0), 0, buffer.Memory.Length) : PatternCheck.None;
}
