using BlockGraph.BlockCore.Io;
using static BlockGraph.BlockCore.Scheduling.Linux.FileNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>Runs of transfers: which way they go, and one call for all of them.</summary>
internal sealed unsafe partial class LinuxHostFile
{
    // Above, entering the kernel once for all is cheaper than once for each.
    private const int FewRuns = 3;

    private readonly HostFileAio _aio;
    private readonly bool _isInMemory;

    // Goes from false to true once.
    private volatile bool _cannotTransferNow;

    // The rings that keep the file open beside its descriptor; each is added at its own home.
    private readonly Lock _ringsLock = new();
    private readonly List<RingFiles> _rings = [];

    /// <summary>The descriptor, while somebody keeps the file open.</summary>
    public int Descriptor => _descriptor;

    internal override TransferRoute RouteOfMisses => TransferRoute.Ring;

    internal override TransferRoute ChooseRoute(TransferRun run, int runCount, AioContext context)
    {
        LoopTransfers allowed = context.LoopTransfers;
        return allowed == LoopTransfers.None ? TransferRoute.Worker
            : _aio == HostFileAio.Auto ? ChooseCheapest(run, runCount, context, allowed)
            : _aio == HostFileAio.Threads || run.Kind == RequestKind.Flush || (run.IsDurable && !IsDirect) ? TransferRoute.Worker
            : _aio == HostFileAio.Native ? TransferRoute.NativeAio
            : TransferRoute.Ring;
    }

    internal override bool TryTransfer(TransferRun run, bool mayWait)
    {
        CheckOpen();
        if ((!mayWait && _cannotTransferNow) || !run.TryPin())
        {
            return false;
        }

        nint count = Transfer(run, (run.IsDurable ? DataDurably : 0) | (mayWait ? 0 : NeverWait));
        if (count < 0 && !mayWait && LinuxErrno.Last is LinuxErrno.NotSupported or LinuxErrno.NoSystemCall)
        {
            _cannotTransferNow = true;
        }

        run.Unpin();
        GC.KeepAlive(this);
        return count == run.LengthBytes;
    }

    /// <summary>A ring has registered the file, and is told when it is closed.</summary>
    public void AddRegistration(RingFiles ring)
    {
        lock (_ringsLock)
        {
            _rings.Add(ring);
        }
    }

    private void LeaveRings()
    {
        lock (_ringsLock)
        {
            _rings.ForEach(ring => ring.Leave(this));
            _rings.Clear();
        }
    }

    private TransferRoute ChooseCheapest(TransferRun run, int runCount, AioContext context, LoopTransfers allowed)
    {
        // One alone has nothing to overlap with; a write past the page cache takes less of the processor through the ring all the same.
        bool isAlone = runCount == 1 && context.IssuedCount == 0;
        bool isCheaperInRing = IsDirect && run.Kind == RequestKind.Write && context.HasRing;
        if (_isInMemory || (isAlone && allowed == LoopTransfers.Any && !isCheaperInRing))
        {
            return TransferRoute.Loop;
        }

        if (run.Kind == RequestKind.Flush)
        {
            return TransferRoute.Worker;
        }

        if (IsDirect)
        {
            return TransferRoute.Ring;
        }

        if (run.Kind == RequestKind.Read)
        {
            return runCount > FewRuns && context.HasRing ? TransferRoute.Ring : TransferRoute.LoopIfCached;
        }

        // A ring would give a write through the page cache to a thread of the kernel's own, at twice the cost.
        return allowed == LoopTransfers.Any ? TransferRoute.Loop
            : run.IsDurable ? TransferRoute.Worker
            : TransferRoute.SharedWorker;
    }

    private nint Transfer(TransferRun run, int flags)
    {
        if (run.Kind == RequestKind.Read)
        {
            return flags != 0 ? ReadVectorNow(_descriptor, run.Pieces, run.PieceCount, run.Offset, flags)
                : run.PieceCount == 1 ? FileNative.Read(_descriptor, run.Pieces->Start, run.Pieces->LengthBytes, run.Offset)
                : ReadVector(_descriptor, run.Pieces, run.PieceCount, run.Offset);
        }

        return flags != 0 ? WriteVectorNow(_descriptor, run.Pieces, run.PieceCount, run.Offset, flags)
            : run.PieceCount == 1 ? FileNative.Write(_descriptor, run.Pieces->Start, run.Pieces->LengthBytes, run.Offset)
            : WriteVector(_descriptor, run.Pieces, run.PieceCount, run.Offset);
    }

    private static bool IsInMemory(int descriptor)
    {
        FileSystemStatus status = default;
        return StatFileSystem(descriptor, &status) == 0 && status.IsInMemory;
    }
}
