using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>One write, from submission to what is told of it.</summary>
/// <param name="Offset">Where, in bytes.</param>
/// <param name="LengthBytes">How long.</param>
/// <param name="Buffer">What to write; null for zeros without a buffer.</param>
/// <param name="Flags">How.</param>
/// <param name="Report">How to tell.</param>
/// <param name="IsVmState">The state of a machine is written, not the disk.</param>
internal sealed record WriteTransfer(long Offset, long LengthBytes, IoBuffer? Buffer, RequestFlags Flags, IoReport Report, bool IsVmState = false)
{
    /// <summary>Writes and tells; <paramref name="name"/> is what a failure is told by.</summary>
    public async ValueTask<bool> RunAsync(IoSession session, string name)
    {
        long startNs = session.NowNs;
        try
        {
            RequestFlags flags = Flags | session.WriteFlags;
            await (Buffer is null ? session.Backend.WriteZeroesAsync(Offset, LengthBytes, flags)
                : IsVmState ? session.Backend.WriteVmStateAsync(Offset, Buffer.Vector)
                : session.Backend.WriteAsync(Offset, Buffer.Vector, flags));
        }
        catch (BlockException failure)
        {
            IoReport.PrintFailure(session.Out, name, failure);
            return false;
        }

        Report.Print(session.Out, "wrote", Offset, LengthBytes, session.NowNs - startNs);
        return true;
    }
}
