using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling.Portable;

/// <summary>Sleeps on a monitor: works wherever .NET does, to the millisecond, and watches no descriptors.</summary>
internal sealed class SignalLoopWaiter : LoopWaiter
{
    private readonly object _signal = new();
    private bool _isSignalled;

    public override int PollDescriptor => -1;

    public override bool CanWatch => false;

    public override void Wake()
    {
        lock (_signal)
        {
            _isSignalled = true;
            Monitor.Pulse(_signal);
        }
    }

    public override void Wait(long timeoutNs, AioContext context)
    {
        // Rounded up: a timer must not find itself early, and spin.
        int timeoutMs = timeoutNs < 0 ? Timeout.Infinite : (int)Math.Min((timeoutNs + 999_999) / 1_000_000, int.MaxValue);
        lock (_signal)
        {
            if (!_isSignalled && timeoutMs != 0)
            {
                Monitor.Wait(_signal, timeoutMs);
            }

            _isSignalled = false;
        }
    }

    public override void Watch(DescriptorHandler handler) =>
        throw new BlockException(BlockErrorKind.NotSupported, "The portable engine cannot wait for descriptors");

    public override void Unwatch(DescriptorHandler handler)
    {
    }

    public override void Dispose()
    {
    }
}
