using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// A lock that many may share or one may have alone, awaited and not blocked on; first come, first served: who wants it alone keeps those out who come
/// later. Who shares it must not want it a second time. <i>QEMU: CoRwlock.</i>
/// </summary>
public sealed class CoRwLock
{
    private readonly Lock _lock = new();
    private readonly CoQueue _waiters = new();

    // Protected by _lock, as are the others: of each who waits, in their order, whether he wants it alone.
    private readonly Queue<bool> _wants = new();
    private int _sharerCount;
    private bool _isAlone;

    /// <summary>Shares the lock; leave it with <see cref="ExitShared"/>, in a finally.</summary>
    public ValueTask EnterSharedAsync()
    {
        lock (_lock)
        {
            if (_isAlone || _wants.Count > 0)
            {
                return WaitUnsynchronized(wantsAlone: false);
            }

            _sharerCount++;
            return default;
        }
    }

    /// <summary>Takes the lock alone; leave it with <see cref="ExitAlone"/>, in a finally.</summary>
    public ValueTask EnterAloneAsync()
    {
        lock (_lock)
        {
            if (_isAlone || _sharerCount > 0)
            {
                return WaitUnsynchronized(wantsAlone: true);
            }

            _isAlone = true;
            return default;
        }
    }

    /// <summary>Ends one sharer's turn.</summary>
    public void ExitShared()
    {
        lock (_lock)
        {
            Invariant.Check(_sharerCount > 0);
            _sharerCount--;
            AdmitUnsynchronized();
        }
    }

    /// <summary>Ends the turn of who has it alone.</summary>
    public void ExitAlone()
    {
        lock (_lock)
        {
            Invariant.Check(_isAlone);
            _isAlone = false;
            AdmitUnsynchronized();
        }
    }

    private ValueTask WaitUnsynchronized(bool wantsAlone)
    {
        _wants.Enqueue(wantsAlone);
        return _waiters.WaitAsync();
    }

    // Hands it over to the next in line, and to those behind him as long as they share it: who is woken has it already.
    private void AdmitUnsynchronized()
    {
        while (!_isAlone && _wants.TryPeek(out bool wantsAlone) && !(wantsAlone && _sharerCount > 0))
        {
            _wants.Dequeue();
            _isAlone = wantsAlone;
            _sharerCount += wantsAlone ? 0 : 1;
            _waiters.WakeNext();
        }
    }
}
