using BlockGraph.BlockCore.Accounting;

namespace BlockGraph.BlockCore.Throttling;

/// <content>What the group tells those who watch it.</content>
public sealed partial class ThrottleGroup
{
    /// <summary>How it stands at <paramref name="nowNs"/> of its members' clock, and what it has counted. Changes nothing; any thread.</summary>
    public ThrottleGroupReport Query(long nowNs) => Query(nowNs, includesMembers: true);

    /// <summary>The same, for those who look often and want no members.</summary>
    internal ThrottleGroupReport Query(long nowNs, bool includesMembers)
    {
        lock (SyncRoot)
        {
            return new ThrottleGroupReport(
                Name,
                _parent?.Name,
                _state.Config,
                ShareUnsynchronized,
                [.. MetersUnsynchronized(nowNs)],
                DirectionUnsynchronized(ThrottleDirection.Read, nowNs),
                DirectionUnsynchronized(ThrottleDirection.Write, nowNs),
                includesMembers ? [.. MembersUnsynchronized().Select(member => member.ReportUnsynchronized())] : []);
        }
    }

    private IEnumerable<ThrottleMeterReport> MetersUnsynchronized(long nowNs)
    {
        for (ThrottleMeter meter = ThrottleMeter.BpsTotal; meter <= ThrottleMeter.IopsWrite; meter++)
        {
            LeakyBucket bucket = _state[meter];
            if (bucket.Limits.Rate != 0)
            {
                // A copy: what leaks out of it here leaks out of the group's own when it next decides.
                bucket.Leak(nowNs - _state.LastLeakNs);
                double burstCapacity = bucket.HasBurstBucket ? bucket.BurstCapacity : 0;
                yield return new ThrottleMeterReport(meter, bucket.Level, bucket.Capacity, bucket.BurstLevel, burstCapacity, bucket.Debt, _bindingCounts[(int)meter]);
            }
        }
    }

    private ThrottleDirectionReport DirectionUnsynchronized(ThrottleDirection direction, long nowNs)
    {
        ref ThrottleTally tally = ref _tallies[(int)direction];
        LatencyHistogram? waits = tally.Waits;
        ThrottleAlarm alarm = _alarms[(int)direction];
        return new ThrottleDirectionReport(
            tally.SubmittedCount,
            tally.ThrottledCount,
            tally.CancelledCount,
            tally.TimedOutCount,
            _pendingCounts[(int)direction],
            tally.DepthMax,
            tally.WaitedNs,
            waits?.ValueAt(0.5) ?? 0,
            waits?.ValueAt(0.99) ?? 0,
            waits?.MaxNs ?? 0,
            ReferenceEquals(alarm.Binding, this) ? alarm.Meter : null,
            alarm.Member is null ? null : Math.Max(0, alarm.DueNs - nowNs));
    }

    private IEnumerable<ThrottleGroupMember> MembersUnsynchronized()
    {
        ThrottleClaimant? claimant = _firstClaimant;
        for (int index = 0; index < _claimantCount; index++, claimant = claimant!.NextInRing)
        {
            if (claimant is ThrottleGroupMember member)
            {
                yield return member;
            }
        }
    }
}
