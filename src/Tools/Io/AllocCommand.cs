using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>Tells how much of a range the image holds itself.</summary>
internal sealed class AllocCommand : IoCommand
{
    private const int SectorBytes = 512;

    /// <inheritdoc/>
    public override string Name => "alloc";

    /// <inheritdoc/>
    public override string Alias => "a";

    /// <inheritdoc/>
    public override string Usage => "offset [count]";

    /// <inheritdoc/>
    public override string Summary => "tell how much of a range the image itself holds";

    /// <inheritdoc/>
    public override string QemuTail => " offset [count] -- checks if offset is allocated in the file";

    /// <inheritdoc/>
    public override int ArgumentCountMin => 1;

    /// <inheritdoc/>
    public override int ArgumentCountMax => 2;

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        long countBytes = SectorBytes;
        string? error = IoNumbers.ReadBytes(switches.Operands[0], out long start)
            ?? (switches.Operands.Count > 1 ? IoNumbers.ReadBytes(switches.Operands[1], out countBytes) : null);
        if (!IsFine(session, error))
        {
            return false;
        }

        long lengthBytes = session.Backend.LengthBytes;
        long end = start >= lengthBytes ? start : start + Math.Min(countBytes, lengthBytes - start);
        long allocatedBytes = 0;
        for (long offset = start; offset < end;)
        {
            BlockStatus status;
            try
            {
                status = await session.Backend.GetStatusAsync(offset, end - offset, BlockStatusQuery.Allocation);
            }
            catch (BlockException failure)
            {
                session.Out.WriteLine($"is_allocated failed: {failure.Kind.ToErrnoText()}");
                return false;
            }

            allocatedBytes += status.IsAllocated ? status.LengthBytes : 0;
            offset += status.LengthBytes;
        }

        session.Out.WriteLine($"{allocatedBytes}/{end - start} bytes allocated at offset {IoNumbers.Amount(start)}");
        return true;
    }
}
