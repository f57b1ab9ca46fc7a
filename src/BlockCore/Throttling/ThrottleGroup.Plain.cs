namespace BlockGraph.BlockCore.Throttling;

/// <content>Data plane of a plain tree: a single group whose members take turns by requests, in the order of QEMU.</content>
public sealed partial class ThrottleGroup
{
    /// <summary>
    /// The member whose buckets' answer counts for a new request of <paramref name="member"/>. One that is being drained
    /// answers for itself: it must not wait for others.
    /// </summary>
    private ThrottleGroupMember CandidateUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction) =>
        member.IsDrainingUnsynchronized ? member : PickUnsynchronized(member, direction);

    /// <summary>Whose turn is next in a plain tree: the first one with something pending behind the token, else <paramref name="member"/>.</summary>
    private ThrottleGroupMember PickUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction)
    {
        ThrottleClaimant? token = _tokens[(int)direction];
        if (_pendingCounts[(int)direction] == 0 || token is null)
        {
            return member;
        }

        if (member.IsDrainingUnsynchronized && member.Queues[(int)direction].PendingCount > 0)
        {
            return member;
        }

        ThrottleClaimant candidate = token;
        do
        {
            candidate = candidate.NextInRing!;
            if (candidate.PendingUnsynchronized(direction) > 0)
            {
                // Only a plain tree asks, and there all are members.
                return (ThrottleGroupMember)candidate;
            }
        }
        while (!ReferenceEquals(candidate, token));
        return member;
    }

    /// <summary>Whether <paramref name="candidate"/> of a plain tree must wait. If so, and no alarm was set, sets it; the caller settles it.</summary>
    private bool MustWaitUnsynchronized(ThrottleGroupMember candidate, ThrottleDirection direction, long nowNs)
    {
        if (candidate.IsDrainingUnsynchronized)
        {
            return false;
        }

        ThrottleAlarm alarm = _alarms[(int)direction];
        if (alarm.Member is not null)
        {
            return true;
        }

        _state.Leak(nowNs);
        long readyNs = _state.ReadyNs(direction, out ThrottleMeter meter);
        if (readyNs == 0)
        {
            return false;
        }

        alarm.SetUnsynchronized(candidate, readyNs, this, meter);
        _tokens[(int)direction] = candidate;
        return true;
    }

    private ThrottleWaiter? ScheduleNextPlainUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long nowNs, bool mayTakeOwn, ref ThrottleHandOver handOver)
    {
        ThrottleGroupMember candidate = PickUnsynchronized(member, direction);
        if (candidate.Queues[(int)direction].PendingCount == 0 || MustWaitUnsynchronized(candidate, direction, nowNs))
        {
            return null;
        }

        ThrottleWaiter? own = mayTakeOwn ? TakeUnsynchronized(member, direction, nowNs) : null;
        _tokens[(int)direction] = own is null ? candidate : member;
        if (own is null)
        {
            WakeUnsynchronized(candidate, direction, nowNs, ref handOver);
        }

        return own;
    }

    /// <summary>Has <paramref name="candidate"/>'s own loop start its queue now.</summary>
    private void WakeUnsynchronized(ThrottleGroupMember candidate, ThrottleDirection direction, long nowNs, ref ThrottleHandOver handOver)
    {
        ThrottleAlarm alarm = _alarms[(int)direction];
        if (alarm.Member is null || ReferenceEquals(alarm.Member, candidate))
        {
            alarm.SetUnsynchronized(candidate, nowNs, _tree.Root, null);
        }
        else
        {
            // One that is being drained takes nobody's alarm away.
            handOver.AddRestartUnsynchronized(candidate.Restarts[(int)direction], candidate.HomeUnsynchronized);
        }
    }
}
