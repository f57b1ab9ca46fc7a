using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using static BlockGraph.BlockCore.Scheduling.Linux.AioNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>
/// One context's queue of Linux native AIO: what a turn has begun is handed over by one call, and an event descriptor tells of ends. At home.
/// <i>QEMU: LinuxAioState.</i>
/// </summary>
internal sealed unsafe class NativeAioQueue : DescriptorHandler, IDisposable
{
    private const int RunCountMax = 128;
    private readonly AioContext _context;
    private readonly nint _kernelQueue;
    private readonly Control[] _controls = GC.AllocateArray<Control>(RunCountMax, pinned: true);
    private readonly nint[] _pending = GC.AllocateArray<nint>(RunCountMax, pinned: true);
    private readonly RunTickets _tickets = new();

    // More than the kernel takes at once.
    private readonly Queue<TransferRun> _held = [];
    private int _pendingCount;

    private NativeAioQueue(AioContext context, int eventDescriptor, nint kernelQueue)
        : base(eventDescriptor, DescriptorEvents.Readable)
    {
        _context = context;
        _kernelQueue = kernelQueue;
    }

    /// <summary>How many runs are in the kernel, or on their way there.</summary>
    public int RunCount => _tickets.Count + _held.Count;

    /// <summary>A queue that <paramref name="context"/> watches; null where the kernel has none to spare.</summary>
    public static NativeAioQueue? TryOpen(AioContext context)
    {
        nint kernelQueue = 0;
        if (KernelNative.Call(KernelNative.AioSetup, RunCountMax, (nint)(&kernelQueue), 0, 0, 0, 0) < 0)
        {
            return null;
        }

        int eventDescriptor = LoopNative.EventFd(0, LoopNative.EventFdFlags);
        if (eventDescriptor < 0)
        {
            _ = KernelNative.Call(KernelNative.AioDestroy, kernelQueue, 0, 0, 0, 0, 0);
            return null;
        }

        NativeAioQueue queue = new(context, eventDescriptor, kernelQueue);
        context.Watch(queue);
        return queue;
    }

    /// <summary>Takes a pinned run on; <see cref="Submit"/> begins it.</summary>
    public void Add(TransferRun run)
    {
        if (_tickets.Count == RunCountMax)
        {
            _held.Enqueue(run);
            return;
        }

        int ticket = _tickets.Take(run);
        bool isRead = run.Kind == RequestKind.Read;
        bool isPlain = run.PieceCount == 1;
        _controls[ticket] = new Control
        {
            Tag = (ulong)ticket,
            Operation = isPlain ? (isRead ? Read : Write) : isRead ? ReadVector : WriteVector,
            OperationFlags = run.IsDurable ? FileNative.DataDurably : 0u,
            File = ((LinuxHostFile)run.File).Descriptor,
            Address = isPlain ? (nuint)run.Pieces->Start : (nuint)run.Pieces,
            Length = isPlain ? run.Pieces->LengthBytes : (nuint)run.PieceCount,
            Offset = run.Offset,
            Flags = TellsDescriptor,
            ToldDescriptor = Descriptor,
        };
        _pending[_pendingCount++] = (nint)Unsafe.AsPointer(ref _controls[ticket]);
    }

    /// <summary>Begins everything that was added. What the kernel refuses comes back as failed, and is carried out one by one.</summary>
    public void Submit()
    {
        int done = 0;
        while (done < _pendingCount)
        {
            nint count = KernelNative.Call(KernelNative.AioSubmit, _kernelQueue, _pendingCount - done, (nint)Unsafe.AsPointer(ref _pending[done]), 0, 0, 0);
            if (count > 0)
            {
                done += (int)count;
                continue;
            }

            // The first one is at fault, or there is no room: no end will be told of.
            TransferRun run = _tickets.Return((int)((Control*)_pending[done++])->Tag);
            run.Result = -LinuxErrno.Last;
            _context.Ready(run);
        }

        _pendingCount = 0;
    }

    public void Dispose()
    {
        Invariant.Check(RunCount == 0);
        _ = KernelNative.Call(KernelNative.AioDestroy, _kernelQueue, 0, 0, 0, 0, 0);
        _ = LoopNative.Close(Descriptor);
    }

    protected override void OnReady()
    {
        ulong count;
        LoopNative.Read(Descriptor, &count, sizeof(ulong));
        Event* events = stackalloc Event[RunCountMax];
        LoopNative.TimeSpec none = default;
        nint endCount = KernelNative.Call(KernelNative.AioGetEvents, _kernelQueue, 0, RunCountMax, (nint)events, (nint)(&none), 0);
        for (nint i = 0; i < endCount; i++)
        {
            TransferRun run = _tickets.Return((int)events[i].Tag);
            run.Result = events[i].Result;
            _context.Ready(run);
        }

        while (_held.Count > 0 && _tickets.Count < RunCountMax)
        {
            Add(_held.Dequeue());
        }

        Submit();
    }
}
