namespace BlockGraph.BlockCore.Throttling;

/// <content>Data plane: who starts next, and when.</content>
public sealed partial class ThrottleGroup
{
    /// <summary>Charges a request and lets it start, if it need not wait; else changes nothing. At home of <paramref name="member"/>.</summary>
    internal bool TryAdmit(ThrottleGroupMember member, ThrottleDirection direction, long bytes, long nowNs)
    {
        ThrottleHandOver handOver = default;
        lock (SyncRoot)
        {
            if (member.Queues[(int)direction].PendingCount > 0)
            {
                return false;
            }

            ThrottleGroupMember candidate = CandidateUnsynchronized(member, direction);
            if (!candidate.IsDrainingUnsynchronized)
            {
                if (_alarms[(int)direction].Member is not null)
                {
                    return false;
                }

                _state.Leak(nowNs);
                if (_state.WaitNs(direction) > 0)
                {
                    return false;
                }
            }

            AdmitUnsynchronized(member, direction, bytes, nowNs, ref handOver);
        }

        handOver.Send(_alarms[(int)direction]);
        return true;
    }

    /// <summary>Charges a request and lets it start, returning null, or suspends it. At home of <paramref name="member"/>.</summary>
    internal ThrottleWaiter? AdmitOrQueue(ThrottleGroupMember member, ThrottleDirection direction, long bytes, long nowNs)
    {
        ThrottleWaiter? waiter = null;
        ThrottleHandOver handOver = default;
        lock (SyncRoot)
        {
            ThrottleGroupMember candidate = CandidateUnsynchronized(member, direction);
            bool mustWait = MustWaitUnsynchronized(candidate, direction, nowNs);
            if (mustWait || member.Queues[(int)direction].PendingCount > 0)
            {
                waiter = ThrottleWaiter.Rent(member.PoolUnsynchronized, direction, bytes);
                member.Queues[(int)direction].Add(waiter);
                _pendingCounts[(int)direction]++;
                handOver.AddAlarm(_alarms[(int)direction].SettleUnsynchronized());
            }
            else
            {
                AdmitUnsynchronized(member, direction, bytes, nowNs, ref handOver);
            }
        }

        handOver.Send(_alarms[(int)direction]);
        return waiter;
    }

    /// <summary>Takes <paramref name="waiter"/> out of its queue, uncharged. False where it was taken to be started.</summary>
    internal bool TryCancel(ThrottleGroupMember member, ThrottleWaiter waiter)
    {
        ThrottleDirection direction = waiter.Direction;
        ThrottleHandOver handOver = default;
        bool isIdle;
        lock (SyncRoot)
        {
            if (!waiter.IsQueued)
            {
                return false;
            }

            member.Queues[(int)direction].Remove(waiter);
            _pendingCounts[(int)direction]--;
            isIdle = IsIdleUnsynchronized(member);
            if (member.Queues[(int)direction].PendingCount == 0)
            {
                PassAlarmOnUnsynchronized(member, direction, ref handOver);
            }
        }

        handOver.Send(_alarms[(int)direction]);
        AnnounceIdle(member, isIdle);
        return true;
    }

    /// <summary>A restart that was sent to <paramref name="member"/>'s loop has arrived somewhere.</summary>
    internal void OnRestart(ThrottleGroupMember member, ThrottleDirection direction)
    {
        ThrottleHandOver handOver = default;
        bool hasMoved;
        lock (SyncRoot)
        {
            ThrottleRestart restart = member.Restarts[(int)direction];
            restart.IsSent = false;
            hasMoved = member.Queues[(int)direction].QueuedCount > 0 && !member.HomeUnsynchronized.IsHome;
            if (hasMoved)
            {
                handOver.AddRestartUnsynchronized(restart, member.HomeUnsynchronized);
            }
        }

        handOver.Send(_alarms[(int)direction]);
        if (!hasMoved)
        {
            StartQueue(member, direction);
        }
    }

    /// <summary>
    /// Starts the request at the head of <paramref name="member"/>'s queue without asking, then as many as fit. Where the
    /// queue is empty the turn goes to another. From the loop's own frame, at the member's home.
    /// </summary>
    internal void StartQueue(ThrottleGroupMember member, ThrottleDirection direction)
    {
        ThrottleWaiter? waiter;
        int budget;
        ThrottleHandOver handOver = default;
        lock (SyncRoot)
        {
            // What its continuations queue now belongs to the next turn, or one member could hold the loop for ever.
            budget = member.Queues[(int)direction].QueuedCount;
            waiter = member.Queues[(int)direction].Take();
            if (waiter is null)
            {
                ScheduleNextUnsynchronized(member, direction, NowUnsynchronized(), false, ref handOver);
            }
        }

        handOver.Send(_alarms[(int)direction]);
        while (waiter is not null)
        {
            budget--;
            waiter = Resume(member, waiter, budget > 0);
        }
    }

    /// <summary>Charges <paramref name="waiter"/> and continues it; returns the member's next one that may start now.</summary>
    private ThrottleWaiter? Resume(ThrottleGroupMember member, ThrottleWaiter waiter, bool mayTakeOwn)
    {
        ThrottleDirection direction = waiter.Direction;
        ThrottleWaiter? next;
        ThrottleHandOver handOver = default;
        bool isIdle;
        lock (SyncRoot)
        {
            member.Queues[(int)direction].Resume();
            _pendingCounts[(int)direction]--;
            isIdle = IsIdleUnsynchronized(member);
            long nowNs = NowUnsynchronized();
            ChargeUnsynchronized(direction, waiter.Bytes, nowNs);
            next = ScheduleNextUnsynchronized(member, direction, nowNs, mayTakeOwn, ref handOver);
        }

        handOver.Send(_alarms[(int)direction]);
        AnnounceIdle(member, isIdle);
        waiter.Finish();
        return next;
    }

    private static void AnnounceIdle(ThrottleGroupMember member, bool isIdle)
    {
        if (isIdle)
        {
            member.ActivityChanged?.Invoke();
        }
    }

    private bool IsIdleUnsynchronized(ThrottleGroupMember member) =>
        !_isEnabled && member.Queues[0].PendingCount == 0 && member.Queues[1].PendingCount == 0;

    private void AdmitUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long bytes, long nowNs, ref ThrottleHandOver handOver)
    {
        ChargeUnsynchronized(direction, bytes, nowNs);
        if (_pendingCounts[(int)direction] > 0)
        {
            ScheduleNextUnsynchronized(member, direction, nowNs, false, ref handOver);
        }
    }

    /// <summary>
    /// Charges a request that starts now. What has leaked until now goes first: a request that nobody asked for room, because
    /// it was drained or woken, must not be paid for by time that passed before it.
    /// </summary>
    private void ChargeUnsynchronized(ThrottleDirection direction, long bytes, long nowNs)
    {
        _state.Leak(nowNs);
        _state.Charge(direction, bytes);
    }

    /// <summary>
    /// The member whose buckets' answer counts for a new request of <paramref name="member"/>. One that is being drained
    /// answers for itself: it must not wait for others.
    /// </summary>
    private ThrottleGroupMember CandidateUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction) =>
        member.IsDrainingUnsynchronized ? member : PickUnsynchronized(member, direction);

    /// <summary>Whose turn is next: the first one with something pending behind the token, else <paramref name="member"/>.</summary>
    private ThrottleGroupMember PickUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction)
    {
        ThrottleGroupMember? token = _tokens[(int)direction];
        if (_pendingCounts[(int)direction] == 0 || token is null)
        {
            return member;
        }

        if (member.IsDrainingUnsynchronized && member.Queues[(int)direction].PendingCount > 0)
        {
            return member;
        }

        ThrottleGroupMember candidate = token;
        do
        {
            candidate = candidate.NextInRing!;
            if (candidate.Queues[(int)direction].PendingCount > 0)
            {
                return candidate;
            }
        }
        while (!ReferenceEquals(candidate, token));
        return member;
    }

    /// <summary>Whether <paramref name="candidate"/> must wait. If so, and no alarm was set, sets it; the caller settles it.</summary>
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
        long waitNs = _state.WaitNs(direction);
        if (waitNs == 0)
        {
            return false;
        }

        // Buckets are as of the last leak, which another thread may have made a little later than our now.
        alarm.SetUnsynchronized(candidate, _state.LastLeakNs + waitNs);
        _tokens[(int)direction] = candidate;
        return true;
    }

    /// <summary>
    /// A request has started: sees to the next. Returns it where it is <paramref name="member"/>'s own and
    /// <paramref name="mayTakeOwn"/>; else sets the alarm for whom it is.
    /// </summary>
    private ThrottleWaiter? ScheduleNextUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long nowNs, bool mayTakeOwn, ref ThrottleHandOver handOver)
    {
        ThrottleWaiter? own = null;
        ThrottleAlarm alarm = _alarms[(int)direction];
        ThrottleGroupMember candidate = PickUnsynchronized(member, direction);
        if (candidate.Queues[(int)direction].PendingCount > 0 && !MustWaitUnsynchronized(candidate, direction, nowNs))
        {
            own = mayTakeOwn ? member.Queues[(int)direction].Take() : null;
            if (own is not null)
            {
                _tokens[(int)direction] = member;
            }
            else
            {
                _tokens[(int)direction] = candidate;
                WakeUnsynchronized(candidate, direction, nowNs, ref handOver);
            }
        }

        handOver.AddAlarm(alarm.SettleUnsynchronized());
        return own;
    }

    /// <summary>Has <paramref name="candidate"/>'s own loop start its queue now.</summary>
    private void WakeUnsynchronized(ThrottleGroupMember candidate, ThrottleDirection direction, long nowNs, ref ThrottleHandOver handOver)
    {
        ThrottleAlarm alarm = _alarms[(int)direction];
        if (alarm.Member is null || ReferenceEquals(alarm.Member, candidate))
        {
            alarm.SetUnsynchronized(candidate, nowNs);
        }
        else
        {
            // One that is being drained takes nobody's alarm away.
            handOver.AddRestartUnsynchronized(candidate.Restarts[(int)direction], candidate.HomeUnsynchronized);
        }
    }

    /// <summary>The alarm, if it is <paramref name="member"/>'s, goes to whoever else has something pending.</summary>
    private void PassAlarmOnUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, ref ThrottleHandOver handOver)
    {
        ThrottleAlarm alarm = _alarms[(int)direction];
        if (ReferenceEquals(alarm.Member, member))
        {
            alarm.ClearUnsynchronized();
            ScheduleNextUnsynchronized(member, direction, NowUnsynchronized(), false, ref handOver);
        }
    }

    /// <summary>The limits have changed: asks again for the one who was to be woken next; the others follow from there.</summary>
    private void ReconsiderUnsynchronized(ThrottleDirection direction, ref ThrottleHandOver handOver)
    {
        ThrottleAlarm alarm = _alarms[(int)direction];
        if (alarm.Member is { } holder)
        {
            long nowNs = NowUnsynchronized();
            alarm.ClearUnsynchronized();
            if (!MustWaitUnsynchronized(holder, direction, nowNs))
            {
                alarm.SetUnsynchronized(holder, nowNs);
            }

            handOver.AddAlarm(alarm.SettleUnsynchronized());
        }
    }
}
