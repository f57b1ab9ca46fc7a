using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Ranges of clusters whose entries are being changed: one change each at a time, any number of ranges that do not meet at once. It belongs to one context.</summary>
internal sealed class BusyClusters
{
    private readonly List<(long First, long Last)> _busy = [];
    private readonly CoQueue _waiters = new();

    /// <summary>Waits until nobody else changes any of the clusters; leave them with <see cref="Exit"/>, in a finally.</summary>
    public ValueTask EnterAsync(long first, long last, CancellationToken cancel)
    {
        if (IsBusy(first, last))
        {
            return WaitAsync(first, last, cancel);
        }

        _busy.Add((first, last));
        return default;
    }

    /// <summary>Lets others change the clusters.</summary>
    public void Exit(long first, long last)
    {
        _busy.Remove((first, last));
        if (_waiters.Count > 0)
        {
            _waiters.WakeAll();
        }
    }

    private async ValueTask WaitAsync(long first, long last, CancellationToken cancel)
    {
        while (IsBusy(first, last))
        {
            await _waiters.WaitAsync(cancel);
        }

        _busy.Add((first, last));
    }

    private bool IsBusy(long first, long last)
    {
        foreach ((long busyFirst, long busyLast) in _busy)
        {
            if (first <= busyLast && busyFirst <= last)
            {
                return true;
            }
        }

        return false;
    }
}
