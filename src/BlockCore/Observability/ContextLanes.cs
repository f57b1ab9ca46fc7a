using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Observability;

/// <summary>One lane for each context that has come by, made when it first comes. Only its context's thread changes a lane; any may look through them.</summary>
internal sealed class ContextLanes<T>(Func<AioContext, T> create)
    where T : class
{
    private readonly Lock _lock = new();

    // By context id. Replaced under _lock, never edited.
    private T?[] _lanes = [];

    /// <summary>The lanes there are.</summary>
    public IEnumerable<T> All => Volatile.Read(ref _lanes).OfType<T>();

    /// <summary>The lane of <paramref name="context"/>. A recycled id finds the lane of the context that had it before, which is gone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Of(AioContext context)
    {
        T?[] lanes = Volatile.Read(ref _lanes);
        return (context.Id < lanes.Length ? lanes[context.Id] : null) ?? Renew(context);
    }

    /// <summary>A new lane for <paramref name="context"/>, on whose thread this is called.</summary>
    public T Renew(AioContext context)
    {
        lock (_lock)
        {
            T?[] longer = new T?[Math.Max(context.Id + 1, _lanes.Length)];
            _lanes.CopyTo(longer, 0);
            T lane = longer[context.Id] = create(context);
            Volatile.Write(ref _lanes, longer);
            return lane;
        }
    }
}
