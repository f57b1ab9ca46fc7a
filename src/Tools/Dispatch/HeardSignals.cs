using System.Runtime.InteropServices;

namespace BlockGraph.Tools.Dispatch;

/// <summary>Takes the first signal that would end the process (SIGINT, SIGTERM) for an interrupt of the command; the next one ends the process.</summary>
internal sealed class HeardSignals : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Action _onInterrupt;
    private int _count;

    public HeardSignals(Action onInterrupt)
    {
        _onInterrupt = onInterrupt;
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal), PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = Interlocked.Increment(ref _count) == 1;
        if (context.Cancel)
        {
            _onInterrupt();
        }
    }
}
