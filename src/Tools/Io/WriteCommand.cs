using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>Writes a range and waits for it.</summary>
internal sealed class WriteCommand : IoCommand
{
    private const int SectorBytes = 512;

    /// <inheritdoc/>
    public override string Name => "write";

    /// <inheritdoc/>
    public override string Alias => "w";

    /// <inheritdoc/>
    public override string Usage => "[-cCfnpquz] [-P pattern | -s source_file] off len";

    /// <inheritdoc/>
    public override string Summary => "write a range";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Details { get; } =
    [
        "-c          store the data compressed",
        "-C          report in one line for a script",
        "-f          durable when it completes",
        "-n          with -z: fail rather than write buffers of zeros",
        "-p          accepted and ignored",
        "-P PATTERN  write this byte instead of 0xcd",
        "-q          report nothing on success",
        "-s FILE     write the bytes of this file, over and over",
        "-u          with -z: the storage may let go of the range",
        "-z          write zeros without a buffer",
    ];

    /// <inheritdoc/>
    public override string Switches => "cCfnpquzP:s:";

    /// <inheritdoc/>
    public override int ArgumentCountMin => 2;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override int? OperandCount => 2;

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        byte pattern = IoBuffer.WritePattern;
        IoBuffer? buffer = null;
        string unless = switches.Has('n') ? "" : " without -n";
        long lengthBytes = 0;
        long offset = 0;
        string? error = CheckSwitches(switches)
            ?? IoNumbers.ReadBytes(switches.Operands[0], out offset)
            ?? (switches.Has('n') ? IoNumbers.ReadBytes(switches.Operands[1], out lengthBytes) : IoNumbers.ReadLength(switches.Operands[1], out lengthBytes, unless))
            ?? CheckSectors(switches, offset, lengthBytes)
            ?? VectorArguments.ReadPattern(switches, ref pattern)
            ?? (switches.Has('z') ? null : IoBuffer.TryCreate([lengthBytes], pattern, out buffer));
        if (error is not null)
        {
            session.Out.WriteLine(error);
            return false;
        }

        if (!session.CheckWritable() || (switches.Value('s') is { } source && !TryFill(session, source, buffer!.Memory.Span)))
        {
            return false;
        }

        return await new WriteTransfer(offset, lengthBytes, buffer, FlagsOf(switches), IoReport.Of(switches)).RunAsync(session, Name);
    }

    private static string? CheckSwitches(IoSwitches switches)
    {
        bool isZero = switches.Has('z');
        int sourceCount = (isZero ? 1 : 0) + (switches.Has('P') ? 1 : 0) + (switches.Has('s') ? 1 : 0);
        return switches.Has('n') && !isZero ? "-n requires -z to be specified"
            : switches.Has('u') && !isZero ? "-u requires -z to be specified"
            : sourceCount > 1 ? "Only one of -z, -P, and -s can be specified at the same time"
            : null;
    }

    private static string? CheckSectors(IoSwitches switches, long offset, long lengthBytes) =>
        !switches.Has('c') ? null
        : offset % SectorBytes != 0 ? $"{offset} is not a sector-aligned value for 'offset'"
        : lengthBytes % SectorBytes != 0 ? $"{lengthBytes} is not a sector-aligned value for 'count'"
        : null;

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
            if (length > 0 || buffer.IsEmpty)
            {
                Repeat(buffer, length);
                return true;
            }

            session.Error.WriteLine($"{path}: the file is empty");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            session.Error.WriteLine(failure is FileNotFoundException or DirectoryNotFoundException ? $"{path}: No such file or directory" : $"{path}: {failure.Message}");
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
