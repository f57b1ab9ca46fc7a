using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// A lock that many may share or one may have alone, awaited and not blocked on. Who wants it alone keeps those out who come later, so that it is not
/// starved; who shares it must not want it a second time. <i>QEMU: CoRwlock.</i>
/// </summary>
public sealed class CoRwLock
{
    private readonly Lock _lock = new();
    private readonly CoQueue _waiters = new();

    // Protected by _lock, as is _waiters.
    private int _sharerCount;
    private int _aloneWaiterCount;
    private bool _isAlone;

    /// <summary>Shares the lock; leave it with <see cref="ExitShared"/>, in a finally.</summary>
    public async ValueTask EnterSharedAsync()
    {
        while (TryQueueShared(out ValueTask turn))
        {
            await turn;
        }
    }

    /// <summary>Takes the lock alone; leave it with <see cref="ExitAlone"/>, in a finally.</summary>
    public async ValueTask EnterAloneAsync()
    {
        bool isNew = true;
        while (TryQueueAlone(isNew, out ValueTask turn))
        {
            isNew = false;
            await turn;
        }
    }

    /// <summary>Ends one sharer's turn.</summary>
    public void ExitShared()
    {
        lock (_lock)
        {
            Invariant.Check(_sharerCount > 0);
            if (--_sharerCount == 0)
            {
                _waiters.WakeAll();
            }
        }
    }

    /// <summary>Ends the turn of who has it alone.</summary>
    public void ExitAlone()
    {
        lock (_lock)
        {
            Invariant.Check(_isAlone);
            _isAlone = false;
            _waiters.WakeAll();
        }
    }

    // False where it is shared now.
    private bool TryQueueShared(out ValueTask turn)
    {
        lock (_lock)
        {
            turn = default;
            if (_isAlone || _aloneWaiterCount > 0)
            {
                turn = _waiters.WaitAsync();
                return true;
            }

            _sharerCount++;
            return false;
        }
    }

    // False where it is taken now.
    private bool TryQueueAlone(bool isNew, out ValueTask turn)
    {
        lock (_lock)
        {
            turn = default;
            if (_isAlone || _sharerCount > 0)
            {
                _aloneWaiterCount += isNew ? 1 : 0;
                turn = _waiters.WaitAsync();
                return true;
            }

            _aloneWaiterCount -= isNew ? 0 : 1;
            _isAlone = true;
            return false;
        }
    }
}
