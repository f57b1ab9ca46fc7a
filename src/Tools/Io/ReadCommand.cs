namespace BlockGraph.Tools.Io;

/// <summary>Reads a range and waits for it.</summary>
internal sealed class ReadCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "read";

    /// <inheritdoc/>
    public override string Alias => "r";

    /// <inheritdoc/>
    public override string Usage => "[-Cpqv] [-P pattern [-s off] [-l len]] off len";

    /// <inheritdoc/>
    public override string Summary => "read a range";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Details { get; } =
    [
        "-C          report in one line for a script",
        "-l LEN      verify so many bytes only (with -P)",
        "-p          accepted and ignored",
        "-P PATTERN  verify that every byte read has this value",
        "-q          report nothing on success",
        "-s OFF      verify from here on in what was read (with -P)",
        "-v          show the bytes",
    ];

    /// <inheritdoc/>
    public override string Switches => "Cpqvl:P:s:";

    /// <inheritdoc/>
    public override int ArgumentCountMin => 2;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override int? OperandCount => 2;

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        if (!switches.Has('P') && (switches.Has('s') || switches.Has('l')))
        {
            session.Out.WriteLine(UsageLine);
            return false;
        }

        PatternCheck check = default;
        IoBuffer buffer = null!;
        string? error = IoNumbers.ReadBytes(switches.Operands[0], out long offset)
            ?? IoNumbers.ReadLength(switches.Operands[1], out long lengthBytes)
            ?? ReadCheck(switches, lengthBytes, out check)
            ?? IoBuffer.TryCreate([lengthBytes], IoBuffer.UnreadPattern, out buffer);
        if (error is not null)
        {
            session.Out.WriteLine(error);
            return false;
        }

        ReadTransfer transfer = new(offset, buffer, check, IoReport.Of(switches), switches.Has('v'));
        return await transfer.RunAsync(session, Name);
    }

    /// <summary>Reads which part of <paramref name="lengthBytes"/> bytes is to be verified.</summary>
    private static string? ReadCheck(IoSwitches switches, long lengthBytes, out PatternCheck check)
    {
        check = PatternCheck.None;
        if (switches.Value('P') is not { } patternText)
        {
            return null;
        }

        long start = 0;
        long length = 0;
        string? error = IoNumbers.ReadPattern(patternText, out byte pattern)
            ?? (switches.Value('s') is { } startText ? IoNumbers.ReadBytes(startText, out start) : null)
            ?? (switches.Value('l') is { } lengthText ? IoNumbers.ReadBytes(lengthText, out length) : null);
        if (error is not null)
        {
            return error;
        }

        if (!switches.Has('l'))
        {
            length = lengthBytes - start;
        }

        if (length < 0 || start > lengthBytes || length > lengthBytes - start)
        {
            return "pattern verification range exceeds end of read data";
        }

        check = new PatternCheck(pattern, (int)start, (int)length);
        return null;
    }
}
