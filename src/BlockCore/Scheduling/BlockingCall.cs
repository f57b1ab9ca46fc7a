using System.Runtime.ExceptionServices;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// One call that a foreign thread makes on a context and waits for, asleep. All of it runs on the loop: nothing of it depends on the caller's
/// SynchronizationContext or scheduler, which sleep with it.
/// </summary>
internal sealed class BlockingCall<T>(Func<ValueTask<T>> body) : AioWork
{
    // A Lock cannot be waited on. Protects the fields below.
    private readonly object _end = new();
    private bool _isDone;
    private T _result = default!;
    private ExceptionDispatchInfo? _error;

    /// <summary>Sleeps until the call is over. An interruption of the thread is kept until then: the call may use the caller's memory.</summary>
    public T Wait()
    {
        bool wasInterrupted = false;
        while (!TryWait())
        {
            wasInterrupted = true;
        }

        if (wasInterrupted)
        {
            Thread.CurrentThread.Interrupt();
        }

        _error?.Throw();
        return _result;
    }

    /// <inheritdoc/>
    protected internal override void Run() => _ = RunBodyAsync();

    private async Task RunBodyAsync()
    {
        T result = default!;
        ExceptionDispatchInfo? error = null;
        try
        {
            result = await body();
        }
#pragma warning disable CA1031 // Whatever the call failed with belongs to the thread that waits for it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            error = ExceptionDispatchInfo.Capture(failure);
        }

        lock (_end)
        {
            _result = result;
            _error = error;
            _isDone = true;
            Monitor.PulseAll(_end);
        }
    }

    // False where the thread was interrupted, which it may be while it takes the lock, too.
    private bool TryWait()
    {
        try
        {
            lock (_end)
            {
                while (!_isDone)
                {
                    Monitor.Wait(_end);
                }
            }

            return true;
        }
        catch (ThreadInterruptedException)
        {
            return false;
        }
    }
}
