using System.Buffers.Binary;
using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>
/// Sleeps on an eventfd with nanosecond time-outs; with watched descriptors, on an epoll set that holds it. The epoll
/// descriptor is what an embedder polls.
/// </summary>
internal sealed unsafe class EpollLoopWaiter : LoopWaiter
{
    // struct epoll_event is packed on x86-64 and naturally aligned elsewhere.
    private static readonly int s_eventBytes = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int s_dataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private const int HarvestMax = 64;
    private readonly Dictionary<int, DescriptorHandler> _handlers = [];
    private readonly PolledAioContext _context;
    private readonly int _event;
    private readonly int _epoll;
    private IoRing? _ring;
    private NativeAioQueue? _nativeAio;
    private int _ringRefusal;
    private bool _isPolledOutside;

    public EpollLoopWaiter(PolledAioContext context)
    {
        _context = context;
        _event = LoopNative.EventFd(0, LoopNative.EventFdFlags);
        if (_event < 0)
        {
            throw NoDescriptor("eventfd");
        }

        _epoll = LoopNative.EpollCreate(LoopNative.EpollCloseOnExec);
        if (_epoll < 0)
        {
            _ = LoopNative.Close(_event);
            throw NoDescriptor("epoll set");
        }

        Control(LoopNative.EpollAdd, _event, DescriptorEvents.Readable);
    }

    /// <summary>Who asks is going to wait for it: from now on ends in the ring make it readable, too.</summary>
    public override int PollDescriptor
    {
        get
        {
            if (!_isPolledOutside)
            {
                _isPolledOutside = true;
                _ring?.TellBy(_event);
            }

            return _epoll;
        }
    }

    public override bool CanWatch => true;

    public override bool IsExpecting => WatchCount > 0 || _ring is { IsActive: true };

    public override bool HasRing => _ringRefusal == 0;

    public override int IssuedCount => (_ring?.RunCount ?? 0) + (_nativeAio?.RunCount ?? 0);

    public override void Wake()
    {
        ulong one = 1;
        LoopNative.Write(_event, &one, sizeof(ulong));
    }

    public override void Wait(long timeoutNs, AioContext context)
    {
        if (_ring is { IsActive: true } ring)
        {
            WaitWithRing(ring, timeoutNs, context);
            return;
        }

        LoopNative.TimeSpec timeout = new() { Seconds = timeoutNs / 1_000_000_000, Nanoseconds = timeoutNs % 1_000_000_000 };
        LoopNative.PollDescriptor poll = new() { Descriptor = WatchCount == 0 ? _event : _epoll, Events = LoopNative.PollIn };
        int ready = LoopNative.PPoll(&poll, 1, timeoutNs < 0 ? null : &timeout, null);
        if (ready <= 0)
        {
            return;
        }

        TakeWakes(context);
    }

    public override bool TryIssue(TransferRun run, TransferRoute route)
    {
        if (route == TransferRoute.NativeAio)
        {
            _nativeAio ??= NativeAioQueue.TryOpen(_context);
            _nativeAio?.Add(run);
            return _nativeAio is not null;
        }

        if (_ring is null && _ringRefusal == 0)
        {
            _ring = IoRing.TryOpen(_context, out _ringRefusal);
            if (_isPolledOutside)
            {
                _ring?.TellBy(_event);
            }
        }

        _ring?.Add(run);
        return _ring is not null;
    }

    public override void SubmitIssued() => _nativeAio?.Submit();

    public override void Watch(DescriptorHandler handler)
    {
        Invariant.Check(!handler.IsWatched);
        Control(LoopNative.EpollAdd, handler.Descriptor, handler.Events);
        _handlers.Add(handler.Descriptor, handler);
        handler.IsWatched = true;
        WatchCount++;
    }

    public override void Unwatch(DescriptorHandler handler)
    {
        if (!handler.IsWatched)
        {
            return;
        }

        handler.IsWatched = false;
        _handlers.Remove(handler.Descriptor);
        WatchCount--;
        Control(LoopNative.EpollDelete, handler.Descriptor, DescriptorEvents.None);
    }

    public override void Dispose()
    {
        _nativeAio?.Dispose();
        _ring?.Dispose();
        _ = LoopNative.Close(_epoll);
        _ = LoopNative.Close(_event);
    }

    // A busy loop enters the kernel for the ring only where that has something to say.
    private void WaitWithRing(IoRing ring, long timeoutNs, AioContext context)
    {
        if (_isPolledOutside)
        {
            // Before the ring is asked: an end that comes after that is told of again, and whoever polls from outside hears of it.
            TakeWakes(context);
        }

        if (timeoutNs != 0)
        {
            ring.ArmWake(_epoll);
        }

        bool isAwake = (timeoutNs != 0 || ring.HasNews) && ring.Enter(timeoutNs, context);
        if (!_isPolledOutside && (isAwake || (timeoutNs == 0 && WatchCount > 0)))
        {
            TakeWakes(context);
        }
        else if (isAwake && WatchCount > 0)
        {
            Harvest(context);
        }
    }

    private void TakeWakes(AioContext context)
    {
        if (WatchCount > 0)
        {
            Harvest(context);
        }

        ulong count;
        LoopNative.Read(_event, &count, sizeof(ulong));
    }

    private void Harvest(AioContext context)
    {
        byte* events = stackalloc byte[16 * HarvestMax];
        int count = LoopNative.EpollWait(_epoll, events, HarvestMax, 0);
        for (int i = 0; i < count; i++)
        {
            int descriptor = BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(events + (i * s_eventBytes) + s_dataOffset, sizeof(int)));
            if (_handlers.TryGetValue(descriptor, out DescriptorHandler? handler) && !handler.IsQueued)
            {
                handler.IsQueued = true;
                context.Ready(handler);
            }
        }
    }

    private void Control(int operation, int descriptor, DescriptorEvents events)
    {
        byte* epollEvent = stackalloc byte[16];
        new Span<byte>(epollEvent, 16).Clear();
        BinaryPrimitives.WriteInt32LittleEndian(new Span<byte>(epollEvent, sizeof(int)), (int)events);
        BinaryPrimitives.WriteInt32LittleEndian(new Span<byte>(epollEvent + s_dataOffset, sizeof(int)), descriptor);
        if (LoopNative.EpollControl(_epoll, operation, descriptor, epollEvent) != 0)
        {
            throw new BlockException(BlockErrorKind.InvalidArgument, $"Cannot watch descriptor {descriptor} (errno {Marshal.GetLastPInvokeError()})");
        }
    }

    private static BlockException NoDescriptor(string what) =>
        new(BlockErrorKind.Busy, $"Cannot make an {what} for a loop (errno {Marshal.GetLastPInvokeError()})");
}
