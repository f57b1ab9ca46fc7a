using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// A lock that is awaited, not blocked on; first come, first served. Leaving hands it over to the next in line: it is never
/// free while somebody waits. <i>QEMU: CoMutex.</i>
/// </summary>
public sealed class CoMutex
{
    private readonly Lock _lock = new();
    private readonly CoQueue _waiters = new();

    // Protected by _lock, as is _waiters.
    private bool _isHeld;

    /// <summary>True while somebody holds it.</summary>
    public bool IsHeld
    {
        get
        {
            lock (_lock)
            {
                return _isHeld;
            }
        }
    }

    /// <summary>Takes the lock; leave it with <see cref="Exit"/>, in a finally.</summary>
    public ValueTask EnterAsync()
    {
        lock (_lock)
        {
            if (!_isHeld)
            {
                _isHeld = true;
                return default;
            }

            return _waiters.WaitAsync();
        }
    }

    /// <summary>Gives the lock to the next in line, or frees it.</summary>
    public void Exit()
    {
        lock (_lock)
        {
            Invariant.Check(_isHeld);
            _isHeld = _waiters.WakeNext();
        }
    }
}
