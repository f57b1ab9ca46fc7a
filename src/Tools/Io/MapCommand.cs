using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>Lists what the image holds itself and what it does not.</summary>
internal sealed class MapCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "map";

    /// <inheritdoc/>
    public override string Summary => "list which ranges the image itself holds";

    /// <inheritdoc/>
    public override string QemuTail => "  -- prints the allocated areas of a file";

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        long lengthBytes = session.Backend.LengthBytes;
        for (long offset = 0; offset < lengthBytes;)
        {
            (bool isAllocated, long end) = (false, 0);
            try
            {
                (isAllocated, end) = await FindEndAsync(session.Backend, offset, lengthBytes);
            }
            catch (BlockException failure)
            {
                session.Out.WriteLine($"Failed to get allocation status: {failure.Kind.ToErrnoText()}");
                return false;
            }

            string word = isAllocated ? "    allocated" : "not allocated";
            session.Out.WriteLine($"{Text(end - offset)} bytes {word} at offset {Text(offset)}");
            offset = end;
        }

        return true;
    }

    private static string Text(long bytes) => $"{IoNumbers.Amount(bytes)} (0x{bytes:x})";

    // What a driver tells in pieces is one range.
    private static async ValueTask<(bool IsAllocated, long End)> FindEndAsync(BlockBackend backend, long start, long lengthBytes)
    {
        BlockStatus first = await backend.GetStatusAsync(start, lengthBytes - start, BlockStatusQuery.Allocation);
        long end = start + first.LengthBytes;
        while (end < lengthBytes)
        {
            BlockStatus next = await backend.GetStatusAsync(end, lengthBytes - end, BlockStatusQuery.Allocation);
            if (next.IsAllocated != first.IsAllocated)
            {
                break;
            }

            end += next.LengthBytes;
        }

        return (first.IsAllocated, end);
    }
}
