namespace BlockGraph.BlockCore.Events;

/// <summary>
/// Hands each event to everyone who listens, in order of subscription, on the context where it happened. A listener must
/// neither block nor throw.
/// </summary>
public sealed class BlockEventBus
{
    private readonly Lock _lock = new();

    // Replaced, never edited, under _lock; read without it.
    private Subscription[] _subscriptions = [];

    /// <summary>Calls <paramref name="listener"/> for every <typeparamref name="T"/> until the result is disposed.</summary>
    public IDisposable Subscribe<T>(Action<T> listener)
        where T : BlockEvent
    {
        ArgumentNullException.ThrowIfNull(listener);
        Subscription subscription = new(this, e =>
        {
            if (e is T wanted)
            {
                listener(wanted);
            }
        });
        lock (_lock)
        {
            _subscriptions = [.. _subscriptions, subscription];
        }

        return subscription;
    }

    /// <summary>Hands <paramref name="blockEvent"/> to the listeners.</summary>
    public void Publish(BlockEvent blockEvent)
    {
        foreach (Subscription subscription in Volatile.Read(ref _subscriptions))
        {
            subscription.Deliver(blockEvent);
        }
    }

    private void Remove(Subscription subscription)
    {
        lock (_lock)
        {
            _subscriptions = Array.FindAll(_subscriptions, s => !ReferenceEquals(s, subscription));
        }
    }

    private sealed class Subscription(BlockEventBus bus, Action<BlockEvent> deliver) : IDisposable
    {
        public void Deliver(BlockEvent blockEvent) => deliver(blockEvent);

        public void Dispose() => bus.Remove(this);
    }
}
