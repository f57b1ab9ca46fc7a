using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit.Cow;

/// <summary>The clusters whose entries are being changed: one change a cluster at a time, any number of clusters at once. It belongs to one context.</summary>
internal sealed class BusyClusters
{
    private readonly HashSet<int> _busy = [];
    private readonly CoQueue _waiters = new();

    /// <summary>Waits until nobody else changes the cluster; leave it with <see cref="Exit"/>, in a finally.</summary>
    public ValueTask EnterAsync(int cluster, CancellationToken cancel) => _busy.Add(cluster) ? default : WaitAsync(cluster, cancel);

    /// <summary>Lets the next one change the cluster.</summary>
    public void Exit(int cluster)
    {
        _busy.Remove(cluster);
        _waiters.WakeAll();
    }

    private async ValueTask WaitAsync(int cluster, CancellationToken cancel)
    {
        while (!_busy.Add(cluster))
        {
            await _waiters.WaitAsync(cancel);
        }
    }
}
