using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>Writes a range and waits for it.</summary>
internal sealed class WriteCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "write";

    /// <inheritdoc/>
    public override string Alias => "w";

    /// <inheritdoc/>
    public override string Usage => "[-bcCfnpquz] [-P pattern | -s source_file] off len";

    /// <inheritdoc/>
    public override string Summary => "write a range";

    /// <inheritdoc/>
    public override string QemuTail => " [-bcCfnquz] [-P pattern | -s source_file] off len -- writes a number of bytes at a specified offset";

    /// <inheritdoc/>
    public override string Example => "'write -P 7 512 1k': write 1024 bytes of 7 at offset 512";

    /// <inheritdoc/>
    public override IReadOnlyList<IoSwitch> Switches { get; } =
    [
        new('b', "write the state of a machine that the image keeps"),
        new('c', "store the data compressed"),
        new('C', "report in one line for a script"),
        new('f', "durable when it completes"),
        new('n', "with -z: fail rather than write buffers of zeros"),
        new('p', "accepted and ignored"),
        new('P', "write this byte instead of 0xcd", "PATTERN"),
        new('q', "report nothing on success"),
        new('s', "write the bytes of this file, over and over", "FILE"),
        new('u', "with -z: the storage may let go of the range"),
        new('z', "write zeros without a buffer"),
    ];

    /// <inheritdoc/>
    public override bool NeedsWrite => true;

    /// <inheritdoc/>
    public override int ArgumentCountMin => 2;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override int? OperandCount => 2;

    /// <inheritdoc/>
    public override bool? Meet(IoSession session, IoSwitches before, char letter, string? value) =>
        letter == 'P' ? MeetValue(session, IoNumbers.ReadPattern(value!, out _)) : null;

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        byte pattern = VectorArguments.PatternOf(switches, IoBuffer.WritePattern);
        bool isInSectors = switches.Has('b') || switches.Has('c');
        IoBuffer? buffer = null;
        long lengthBytes = 0;
        long offset = 0;
        string? error = CheckSwitches(switches)
            ?? IoNumbers.ReadBytes(switches.Operands[0], out offset)
            ?? ReadLength(switches, out lengthBytes)
            ?? (isInSectors ? IoNumbers.CheckSectors(offset, "offset") ?? IoNumbers.CheckSectors(lengthBytes, "count") : null)
            ?? (switches.Has('z') ? null : session.TryCreateBuffer([lengthBytes], pattern, out buffer));
        if (!IsFine(session, error) || (switches.Value('s') is { } source && !TryFill(session, source, buffer!.Memory.Span)))
        {
            return false;
        }

        return await new WriteTransfer(offset, lengthBytes, buffer, FlagsOf(switches), IoReport.Of(switches), switches.Has('b')).RunAsync(session, Name);
    }

    private static string? CheckSwitches(IoSwitches switches)
    {
        bool isZero = switches.Has('z');
        int sourceCount = (isZero ? 1 : 0) + (switches.Has('P') ? 1 : 0) + (switches.Has('s') ? 1 : 0);
        return switches.Has('b') && isZero ? "-b and -z cannot be specified at the same time"
            : switches.Has('f') && (switches.Has('b') || switches.Has('c')) ? "-f and -b or -c cannot be specified at the same time"
            : switches.Has('n') && !isZero ? "-n requires -z to be specified"
            : switches.Has('u') && !isZero ? "-u requires -z to be specified"
            : sourceCount > 1 ? "Only one of -z, -P, and -s can be specified at the same time"
            : null;
    }

    private static string? ReadLength(IoSwitches switches, out long lengthBytes) => switches.Has('n')
        ? IoNumbers.ReadBytes(switches.Operands[1], out lengthBytes)
        : IoNumbers.ReadLength(switches.Operands[1], out lengthBytes, " without -n");

    private static RequestFlags FlagsOf(IoSwitches switches) =>
        (switches.Has('f') ? RequestFlags.Fua : RequestFlags.None)
        | (switches.Has('u') ? RequestFlags.MayUnmap : RequestFlags.None)
        | (switches.Has('n') ? RequestFlags.NoFallback : RequestFlags.None)
        | (switches.Has('c') && !switches.Has('z') ? RequestFlags.WriteCompressed : RequestFlags.None);

    private static bool TryFill(IoSession session, string path, Span<byte> buffer)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read);
            int length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length > 0)
            {
                Repeat(buffer, length);
                return true;
            }

            session.Error.WriteLine($"{path}: file is empty");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            session.Error.WriteLine(FileFailure.Of(failure, path, path).Message);
        }

        return false;
    }

    private static void Repeat(Span<byte> buffer, int length)
    {
        for (int done = length; done < buffer.Length;)
        {
            int step = Math.Min(length, buffer.Length - done);
            buffer[..step].CopyTo(buffer[done..]);
            done += step;
        }
    }
}
