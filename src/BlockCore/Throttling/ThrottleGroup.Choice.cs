namespace BlockGraph.BlockCore.Throttling;

/// <content>Data plane of a tree that is not plain: who is next where groups lie below groups, or members have shares.</content>
public sealed partial class ThrottleGroup
{
    /// <summary>True where claimants take turns by what they have had.</summary>
    private bool IsFairUnsynchronized => _state.Config.IsFairByCost || _shareCount > 0;

    /// <summary>
    /// Whether a request of <paramref name="member"/> may start at once: nothing on its way to the root is full, and nobody who
    /// waits for something on that way is to be woken. One that was put off has the next turn of its direction, however far away
    /// it waits: if this one took it, the other would still go, over what the two have in common.
    /// </summary>
    private bool MayPassPathUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long nowNs)
    {
        if (member.IsDrainingUnsynchronized)
        {
            return true;
        }

        if (_tree.WasPutOff(direction) && _alarms[(int)direction].Member is not null)
        {
            return false;
        }

        ThrottleClaimant? binding = _alarms[(int)direction].Binding;
        for (ThrottleClaimant? claimant = member; claimant is not null; claimant = claimant.Upper)
        {
            if (ReferenceEquals(claimant, binding))
            {
                return false;
            }
        }

        return IsPathOpenUnsynchronized(member, direction, nowNs);
    }

    private static bool IsPathOpenUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long nowNs)
    {
        for (ThrottleClaimant? claimant = member; claimant is not null; claimant = claimant.Upper)
        {
            if (IsFull(claimant.ClaimOrNullUnsynchronized?.Limit) || IsFull((claimant as ThrottleGroup)?._state))
            {
                return false;
            }
        }

        return true;

        bool IsFull(ThrottleState? state)
        {
            state?.Leak(nowNs);
            return state?.WaitNs(direction) > 0;
        }
    }

    /// <summary>
    /// The alarm has rung for <paramref name="member"/>. A sibling may have used what a common ancestor had left meanwhile: then
    /// the alarm is set anew, and this is false. A direction is not put off twice in a row: the other one, which shares its
    /// totals, could do that for ever.
    /// </summary>
    private bool IsStillReadyUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, ref ThrottleHandOver handOver)
    {
        long nowNs = NowUnsynchronized();
        if (member.IsDrainingUnsynchronized || _tree.WasPutOff(direction) || IsPathOpenUnsynchronized(member, direction, nowNs))
        {
            _tree.SetPutOff(direction, false);
            return true;
        }

        _tree.SetPutOff(direction, true);
        AimUnsynchronized(direction, nowNs);
        handOver.AddAlarm(_alarms[(int)direction].SettleUnsynchronized());
        return false;
    }

    /// <summary>Sets the alarm for whoever goes first now, unless it rings before that anyway.</summary>
    private void AimUnsynchronized(ThrottleDirection direction, long nowNs) => AimUnsynchronized(ChooseUnsynchronized(direction, nowNs), direction, nowNs);

    private void AimUnsynchronized(ThrottleChoice choice, ThrottleDirection direction, long nowNs)
    {
        ThrottleAlarm alarm = _alarms[(int)direction];
        long dueNs = Math.Max(choice.ReadyNs, nowNs);
        if (choice.Member is { } member && (alarm.Member is null || alarm.DueNs > dueNs))
        {
            bool isReady = choice.ReadyNs == 0;
            alarm.SetUnsynchronized(member, dueNs, isReady ? _tree.Root : choice.Binding, isReady ? null : choice.Meter);
        }
    }

    private ThrottleWaiter? ScheduleNextInTreeUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long nowNs, bool mayTakeOwn, ref ThrottleHandOver handOver)
    {
        if (member.IsDrainingUnsynchronized && member.Queues[(int)direction].PendingCount > 0)
        {
            ThrottleWaiter? drained = mayTakeOwn ? TakeUnsynchronized(member, direction, nowNs) : null;
            if (drained is null)
            {
                handOver.AddRestartUnsynchronized(member.Restarts[(int)direction], member.HomeUnsynchronized);
            }

            return drained;
        }

        ThrottleChoice choice = ChooseUnsynchronized(direction, nowNs);
        if (mayTakeOwn && choice.ReadyNs == 0 && ReferenceEquals(choice.Member, member) && TakeUnsynchronized(member, direction, nowNs) is { } own)
        {
            return own;
        }

        AimUnsynchronized(choice, direction, nowNs);
        return null;
    }

    private ThrottleChoice ChooseUnsynchronized(ThrottleDirection direction, long nowNs) =>
        _tree.Root.ChooseBelowUnsynchronized(new ThrottleChoice(null, 0, _tree.Root, null), direction, nowNs);

    /// <summary>Who goes first of those who wait here and below, given what the buckets <paramref name="above"/> say.</summary>
    private ThrottleChoice ChooseBelowUnsynchronized(ThrottleChoice above, ThrottleDirection direction, long nowNs)
    {
        ThrottleChoice floor = above.After(_state, this, direction, nowNs);
        ThrottleClaimant? token = _tokens[(int)direction];
        if (_pendingCounts[(int)direction] == 0 || token is null)
        {
            return floor;
        }

        bool isFair = IsFairUnsynchronized;
        ThrottleChoice best = floor;
        ThrottleClaimant? first = null;
        ThrottleClaimant claimant = token;
        do
        {
            claimant = claimant.NextInRing!;
            if (claimant.PendingUnsynchronized(direction) == 0)
            {
                continue;
            }

            ThrottleChoice offer = OfferOfUnsynchronized(claimant, floor, direction, nowNs);
            if (offer.Member is not null && (first is null || offer.ReadyNs < best.ReadyNs || (isFair && offer.ReadyNs == best.ReadyNs && HasHadLessUnsynchronized(claimant, first, direction, nowNs))))
            {
                best = offer;
                first = claimant;
            }
        }
        while (!ReferenceEquals(claimant, token) && (isFair || first is null || best.ReadyNs > floor.ReadyNs));
        return best;
    }

    private static ThrottleChoice OfferOfUnsynchronized(ThrottleClaimant claimant, ThrottleChoice floor, ThrottleDirection direction, long nowNs)
    {
        if (claimant is ThrottleGroupMember { IsDrainingUnsynchronized: true } drained)
        {
            return new ThrottleChoice(drained, 0, drained, null);
        }

        ThrottleChoice offer = floor.After(claimant.ClaimOrNullUnsynchronized?.Limit, claimant, direction, nowNs);
        return claimant is ThrottleGroup group
            ? group.ChooseBelowUnsynchronized(offer, direction, nowNs)
            : offer with { Member = (ThrottleGroupMember)claimant };
    }

    /// <summary>Whether <paramref name="claimant"/> goes before <paramref name="other"/>: by what is reserved, then by what they have had for their weights.</summary>
    private bool HasHadLessUnsynchronized(ThrottleClaimant claimant, ThrottleClaimant other, ThrottleDirection direction, long nowNs)
    {
        ThrottleClaim claim = claimant.ClaimUnsynchronized;
        ThrottleClaim otherClaim = other.ClaimUnsynchronized;
        double? reserved = claim.ReservationUsedSeconds(direction, nowNs);
        double? otherReserved = otherClaim.ReservationUsedSeconds(direction, nowNs);
        if (reserved is not null || otherReserved is not null)
        {
            return otherReserved is null || reserved < otherReserved;
        }

        double virtualTime = _virtualTimes[(int)direction];
        return claim.StartTag(direction, virtualTime) < otherClaim.StartTag(direction, virtualTime);
    }

    /// <summary>A request of <paramref name="member"/> that waited starts: others have the next turn, at every level.</summary>
    private void PassTurnUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction)
    {
        ThrottleClaimant claimant = member;
        for (ThrottleGroup? group = this; group is not null; claimant = group, group = group._parent)
        {
            group._tokens[(int)direction] = claimant;
        }
    }

    /// <summary>Charges everything between <paramref name="member"/> and the root but this group's own buckets.</summary>
    private void ChargePathUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long bytes, long nowNs)
    {
        ThrottleClaimant claimant = member;
        for (ThrottleGroup? group = this; group is not null; claimant = group, group = group._parent)
        {
            if (!ReferenceEquals(group, this))
            {
                group._state.Leak(nowNs);
                group._state.Charge(direction, bytes);
            }

            if (group.IsFairUnsynchronized)
            {
                group.AccountUnsynchronized(claimant.ClaimUnsynchronized, direction, bytes, nowNs);
            }
        }
    }

    private void AccountUnsynchronized(ThrottleClaim claim, ThrottleDirection direction, long bytes, long nowNs)
    {
        double costSeconds = 0;
        for (ThrottleGroup? group = this; group is not null; group = group._parent)
        {
            costSeconds = Math.Max(costSeconds, group._state.Config.CostInSeconds(direction, bytes));
        }

        double startTag = claim.StartTag(direction, _virtualTimes[(int)direction]);
        bool isReserved = claim.Charge(direction, bytes, _state.Config.CostInOperations(bytes), costSeconds, startTag, nowNs);
        if (!isReserved)
        {
            _virtualTimes[(int)direction] = Math.Max(_virtualTimes[(int)direction], startTag);
        }
    }
}
