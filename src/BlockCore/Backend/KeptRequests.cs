using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Backend;

/// <summary>
/// The requests that have failed where the policy is to stop: they wait here, in no drain's way, until they are made again or given up.
/// </summary>
/// <remarks>Main context; the count and the state may be read anywhere.</remarks>
internal sealed class KeptRequests
{
    private readonly CoQueue _queue = new();
    private int _abandonCount;
    private volatile bool _isStopped;

    /// <summary>How many wait.</summary>
    public int Count => _queue.Count;

    /// <summary>True from the first failure that stopped to the next <see cref="Resume"/>.</summary>
    public bool IsStopped => _isStopped;

    /// <summary>True where nobody will resume any more: nothing is kept.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Keeps one; the first since the last resumption calls <paramref name="stop"/>. True where it is to be made again, false where it was given up.</summary>
    public async ValueTask<bool> WaitAsync(Action stop, CancellationToken cancel)
    {
        int abandonCount = _abandonCount;
        ValueTask turn = _queue.WaitAsync(cancel);
        if (!_isStopped)
        {
            // Queued first: whoever hears of the stop may resume at once.
            _isStopped = true;
            stop();
        }

        await turn;
        return abandonCount == _abandonCount;
    }

    /// <summary>Lets everything that waits be made again.</summary>
    public void Resume()
    {
        _isStopped = false;
        _queue.WakeAll();
    }

    /// <summary>Gives up everything that waits.</summary>
    public void Abandon()
    {
        unchecked
        {
            // Only tells neighbouring uses apart: wrapping is meant.
            _abandonCount++;
        }

        Resume();
    }

    /// <summary>Gives up everything that waits, and keeps nothing from now on.</summary>
    public void Close()
    {
        IsClosed = true;
        Abandon();
    }
}
