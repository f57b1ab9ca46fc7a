namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// Brings a cancellation home: the token's callback may run on any thread and only sends; what it means is decided on the
/// loop, and only if the wait that registered it is still the same one.
/// </summary>
internal sealed class CancellationHook(AioContext context, Action<CancellationToken> onCancelled)
{
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private long _use;

    /// <summary>Registers for this use; free where the token cannot be cancelled. At home.</summary>
    public void Register(CancellationToken cancel)
    {
        _use++;
        if (cancel.CanBeCanceled)
        {
            _token = cancel;
            _registration = cancel.UnsafeRegister(static state => ((CancellationHook)state!).Send(), this);
        }
    }

    /// <summary>This use is over: a callback on its way means nothing any more. At home.</summary>
    public void Unregister()
    {
        if (_token.CanBeCanceled)
        {
            // Waits for a callback that is running now; it only sends, so it is short.
            _registration.Dispose();
            _registration = default;
            _token = default;
        }

        // Only now: until here a callback may still read it, and what that sends must be of the use that is over.
        _use++;
    }

    private void Send()
    {
        // Registered before the callback can run, changed only after Dispose has waited for it.
        context.Send(new CancelWork(this, Volatile.Read(ref _use)));
    }

    private void Invoke() => onCancelled(_token);

    private sealed class CancelWork(CancellationHook hook, long use) : AioWork
    {
        protected internal override void Run()
        {
            if (hook._use == use)
            {
                hook.Invoke();
            }
        }
    }
}
