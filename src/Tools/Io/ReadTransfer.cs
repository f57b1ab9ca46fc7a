using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>One read, from submission to what is told of it.</summary>
/// <param name="Offset">Where.</param>
/// <param name="Buffer">Into what.</param>
/// <param name="Check">What must be there.</param>
/// <param name="Report">How it is told.</param>
/// <param name="IsVerbose">What was read is printed.</param>
/// <param name="IsVmState">The state of a machine is read, not the disk.</param>
internal sealed record ReadTransfer(long Offset, IoBuffer Buffer, PatternCheck Check, IoReport Report, bool IsVerbose, bool IsVmState = false)
{
    /// <summary>Reads and tells; <paramref name="name"/> is what a failure is told by.</summary>
    public async ValueTask<bool> RunAsync(IoSession session, string name)
    {
        long startNs = session.NowNs;
        try
        {
            await (IsVmState ? session.Backend.ReadVmStateAsync(Offset, Buffer.Vector) : session.Backend.ReadAsync(Offset, Buffer.Vector, RequestFlags.None));
        }
        catch (BlockException failure)
        {
            IoReport.PrintFailure(session.Out, name, failure);
            return false;
        }

        long elapsedNs = session.NowNs - startNs;
        bool isAsExpected = Check.Verify(session.Out, Offset, Buffer.Memory.Span);
        if (IsVerbose && !Report.IsQuiet)
        {
            HexDump.Print(session.Out, Offset, Buffer.Memory.Span);
        }

        Report.Print(session.Out, "read", Offset, Buffer.Memory.Length, elapsedNs);
        return isAsExpected;
    }
}
