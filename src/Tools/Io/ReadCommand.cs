namespace BlockGraph.Tools.Io;

/// <summary>Reads a range and waits for it.</summary>
internal sealed class ReadCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "read";

    /// <inheritdoc/>
    public override string Alias => "r";

    /// <inheritdoc/>
    public override string Usage => "[-bCpqv] [-P pattern [-s off] [-l len]] off len";

    /// <inheritdoc/>
    public override string Summary => "read a range";

    /// <inheritdoc/>
    public override string QemuTail => " [-abCqv] [-P pattern [-s off] [-l len]] off len -- reads a number of bytes at a specified offset";

    /// <inheritdoc/>
    public override string Example => "'read -v 512 1k': show the 1024 bytes at offset 512";

    /// <inheritdoc/>
    public override IReadOnlyList<IoSwitch> Switches { get; } =
    [
        new('b', "read the state of a machine that the image keeps"),
        new('C', "report in one line for a script"),
        new('l', "verify so many bytes only (with -P)", "LEN"),
        new('p', "accepted and ignored"),
        new('P', "verify that every byte read has this value", "PATTERN"),
        new('q', "report nothing on success"),
        new('s', "verify from here on in what was read (with -P)", "OFF"),
        new('v', "show the bytes"),
    ];

    /// <inheritdoc/>
    public override int ArgumentCountMin => 2;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override int? OperandCount => 2;

    /// <inheritdoc/>
    public override bool? Meet(IoSession session, IoSwitches before, char letter, string? value) => letter switch
    {
        'P' => MeetValue(session, IoNumbers.ReadPattern(value!, out _)),
        'l' or 's' => MeetValue(session, IoNumbers.ReadBytes(value!, out _)),
        _ => null,
    };

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        if (!switches.Has('P') && (switches.Has('s') || switches.Has('l')))
        {
            session.Out.WriteLine(UsageLine(session.Settings));
            return false;
        }

        PatternCheck check = default;
        IoBuffer buffer = null!;
        string? error = IoNumbers.ReadBytes(switches.Operands[0], out long offset)
            ?? IoNumbers.ReadLength(switches.Operands[1], out long lengthBytes)
            ?? ReadCheck(switches, lengthBytes, out check)
            ?? (switches.Has('b') ? IoNumbers.CheckSectors(offset, "offset") ?? IoNumbers.CheckSectors(lengthBytes, "count") : null)
            ?? session.TryCreateBuffer([lengthBytes], IoBuffer.UnreadPattern, out buffer);
        if (!IsFine(session, error))
        {
            return false;
        }

        return await new ReadTransfer(offset, buffer, check, IoReport.Of(switches), switches.Has('v'), switches.Has('b')).RunAsync(session, Name);
    }

    /// <summary>Reads which part of <paramref name="lengthBytes"/> bytes is to be verified.</summary>
    private static string? ReadCheck(IoSwitches switches, long lengthBytes, out PatternCheck check)
    {
        check = PatternCheck.None;
        if (!switches.Has('P'))
        {
            return null;
        }

        long start = 0;
        if (switches.Value('s') is { } startText)
        {
            IoNumbers.ReadBytes(startText, out start);
        }

        long length = lengthBytes - start;
        if (switches.Value('l') is { } lengthText)
        {
            IoNumbers.ReadBytes(lengthText, out length);
        }

        if (length < 0 || start > lengthBytes || length > lengthBytes - start)
        {
            return "pattern verification range exceeds end of read data";
        }

        check = new PatternCheck(VectorArguments.PatternOf(switches, 0), (int)start, (int)length);
        return null;
    }
}
