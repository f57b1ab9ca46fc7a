namespace BlockGraph.BlockCore.Throttling;

/// <summary>Who would go next, and when the buckets between him and the root let him.</summary>
/// <param name="Member">Who; null where nobody waits.</param>
/// <param name="ReadyNs">The instant, or 0 for now.</param>
/// <param name="Binding">Whose buckets open last: a group's, or a claimant's own limit.</param>
/// <param name="Meter">Which of them; null where none is full.</param>
internal readonly record struct ThrottleChoice(ThrottleGroupMember? Member, long ReadyNs, ThrottleClaimant Binding, ThrottleMeter? Meter)
{
    /// <summary>The same, but not before the buckets of <paramref name="state"/>, which are <paramref name="claimant"/>'s, have leaked.</summary>
    public ThrottleChoice After(ThrottleState? state, ThrottleClaimant claimant, ThrottleDirection direction, long nowNs)
    {
        if (state is null)
        {
            return this;
        }

        state.Leak(nowNs);
        long readyNs = state.ReadyNs(direction, out ThrottleMeter meter);
        return readyNs > ReadyNs ? new ThrottleChoice(Member, readyNs, claimant, meter) : this;
    }
}
