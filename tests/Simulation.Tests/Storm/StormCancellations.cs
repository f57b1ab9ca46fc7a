using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>The requests that are on their way, so that somebody can cancel one at an awkward moment. Any thread.</summary>
internal sealed class StormCancellations
{
    private readonly Lock _lock = new();
    private readonly List<CancellationTokenSource> _pending = [];

    /// <summary>A request begins.</summary>
    public void Add(CancellationTokenSource request)
    {
        lock (_lock)
        {
            _pending.Add(request);
        }
    }

    /// <summary>It is over: nobody cancels it any more.</summary>
    public void Remove(CancellationTokenSource request)
    {
        lock (_lock)
        {
            _pending.Remove(request);
        }
    }

    /// <summary>Cancels one of them, if there is any; here and now, for what happens on a thread of the pool would not be the seed's.</summary>
    public void CancelAny(SeededRandom chance)
    {
        lock (_lock)
        {
            if (_pending.Count > 0)
            {
                _pending[chance.Next(_pending.Count)].Cancel();
            }
        }
    }
}
