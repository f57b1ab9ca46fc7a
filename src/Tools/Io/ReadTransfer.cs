using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>One read, from submission to what is told of it.</summary>
internal sealed record ReadTransfer(long Offset, IoBuffer Buffer, PatternCheck Check, IoReport Report, bool IsVerbose)
{
    /// <summary>Reads and tells; <paramref name="name"/> is what a failure is told by.</summary>
    public async ValueTask<bool> RunAsync(IoSession session, string name)
    {
        long startNs = session.NowNs;
        try
        {
            await session.Backend.ReadAsync(Offset, Buffer.Vector, RequestFlags.None);
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
