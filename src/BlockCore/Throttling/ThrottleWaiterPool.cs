using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// The free waiters of one member on one context. A member that moves gets a new pool; waiters of the old one still come back
/// to it, on its own thread, so no lock is needed.
/// </summary>
internal sealed class ThrottleWaiterPool(ThrottleGroupMember member, AioContext context)
{
    /// <summary>The free waiters, linked. Touched at home only.</summary>
    internal ThrottleWaiter? FirstFree;

    /// <summary>Whose waiters they are.</summary>
    public ThrottleGroupMember Member { get; } = member;

    /// <summary>Where they wait.</summary>
    public AioContext Context { get; } = context;
}
