using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <content>Data plane: requests that come, wait, start and give up.</content>
public sealed partial class ThrottleGroup
{
    /// <summary>Charges a request and lets it start, if it need not wait; else changes nothing. At home of <paramref name="member"/>.</summary>
    internal bool TryAdmit(ThrottleGroupMember member, ThrottleDirection direction, long bytes, long nowNs)
    {
        ThrottleHandOver handOver = default;
        lock (SyncRoot)
        {
            if (member.Queues[(int)direction].PendingCount > 0 || !MayPassUnsynchronized(member, direction, nowNs))
            {
                return false;
            }

            AdmitUnsynchronized(member, direction, bytes, nowNs, ref handOver);
        }

        handOver.Send(_alarms[(int)direction]);
        return true;
    }

    /// <summary>Charges a request and lets it start, returning null, or suspends it. At home of <paramref name="member"/>.</summary>
    internal ThrottleWaiter? AdmitOrQueue(ThrottleGroupMember member, ThrottleDirection direction, long bytes, long maxWaitNs, long nowNs)
    {
        ThrottleWaiter? waiter = null;
        ThrottleHandOver handOver = default;
        lock (SyncRoot)
        {
            bool mustWait = _isPlain
                ? MustWaitUnsynchronized(CandidateUnsynchronized(member, direction), direction, nowNs)
                : !MayPassPathUnsynchronized(member, direction, nowNs);
            if (mustWait || member.Queues[(int)direction].PendingCount > 0)
            {
                waiter = ThrottleWaiter.Rent(member, member.HomeUnsynchronized, direction, bytes, maxWaitNs);
                QueueUnsynchronized(member, waiter, nowNs);
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
    internal bool TryRemove(ThrottleGroupMember member, ThrottleWaiter waiter, bool isExpired)
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
            AddPendingUnsynchronized(direction, -1);
            _tallies[(int)direction].TimedOutCount += isExpired ? 1 : 0;
            _tallies[(int)direction].CancelledCount += isExpired ? 0 : 1;
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
        ThrottleStart start = default;
        lock (SyncRoot)
        {
            ThrottleRestart restart = member.Restarts[(int)direction];
            restart.IsSent = false;
            if (member.Queues[(int)direction].QueuedCount > 0 && !member.HomeUnsynchronized.IsHome)
            {
                // It has moved meanwhile.
                handOver.AddRestartUnsynchronized(restart, member.HomeUnsynchronized);
            }
            else
            {
                start = BeginUnsynchronized(member, direction, ref handOver);
            }
        }

        Run(member, direction, start, handOver);
    }

    /// <summary>
    /// The alarm rings for <paramref name="member"/>, at whose home this is called, under the lock: what starts now. In a plain
    /// tree that is the head of its queue, without asking; elsewhere only if nothing on its way has been filled meanwhile.
    /// </summary>
    internal ThrottleStart OnAlarmUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, ref ThrottleHandOver handOver) =>
        _isPlain || IsStillReadyUnsynchronized(member, direction, ref handOver)
            ? BeginUnsynchronized(member, direction, ref handOver)
            : default;

    /// <summary>Runs what was begun, then as many of the member's own as fit. From the loop's own frame, at its home, without the lock.</summary>
    internal void Run(ThrottleGroupMember member, ThrottleDirection direction, ThrottleStart start, ThrottleHandOver handOver)
    {
        handOver.Send(_alarms[(int)direction]);
        ThrottleWaiter? waiter = start.First;
        int budget = start.BudgetCount;
        while (waiter is not null)
        {
            budget--;
            ThrottleWaiter? next;
            bool isIdle;
            ThrottleHandOver following = default;
            lock (SyncRoot)
            {
                member.Queues[(int)direction].Resume();
                AddPendingUnsynchronized(direction, -1);
                isIdle = IsIdleUnsynchronized(member);
                long nowNs = NowUnsynchronized();
                _tallies[(int)direction].AddWaited(nowNs - waiter.SinceNs);
                next = ScheduleNextUnsynchronized(member, direction, nowNs, budget > 0, ref following);
            }

            following.Send(_alarms[(int)direction]);
            AnnounceIdle(member, isIdle);
            waiter.Finish();
            waiter = next;
        }
    }

    /// <summary>Some of <paramref name="member"/>'s requests may have waited for too long: fails them, and looks again when the next one might have.</summary>
    internal void OnDeadline(ThrottleGroupMember member, ThrottleDirection direction, ThrottleDeadline deadline)
    {
        AioContext here = deadline.Context;
        while (true)
        {
            ThrottleWaiter? earliest;
            lock (SyncRoot)
            {
                earliest = member.Context == here ? member.Queues[(int)direction].FindEarliestDeadline() : null;
            }

            if (earliest is null)
            {
                return;
            }

            if (earliest.DeadlineNs > here.NowNs)
            {
                deadline.Watch(earliest.DeadlineNs);
                return;
            }

            if (TryRemove(member, earliest, isExpired: true))
            {
                earliest.Expire();
            }
        }
    }

    private static void AnnounceIdle(ThrottleGroupMember member, bool isIdle)
    {
        if (isIdle)
        {
            member.ActivityChanged?.Invoke();
        }
    }

    private static bool IsIdleUnsynchronized(ThrottleGroupMember member) =>
        !member.IsLimited && member.Queues[0].PendingCount == 0 && member.Queues[1].PendingCount == 0;

    /// <summary>
    /// Takes the head of <paramref name="member"/>'s queue and charges it, so that nobody else takes the room it was woken for.
    /// Where the queue is empty the turn goes to another.
    /// </summary>
    private ThrottleStart BeginUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, ref ThrottleHandOver handOver)
    {
        // What its continuations queue now belongs to the next turn, or one member could hold the loop for ever.
        int budget = member.Queues[(int)direction].QueuedCount;
        ThrottleWaiter? first = TakeUnsynchronized(member, direction, NowUnsynchronized());
        if (first is null)
        {
            ScheduleNextUnsynchronized(member, direction, NowUnsynchronized(), false, ref handOver);
        }

        return new ThrottleStart(first, budget);
    }

    /// <summary>Takes the head of the queue, if there is one, and charges it.</summary>
    private ThrottleWaiter? TakeUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long nowNs)
    {
        ThrottleWaiter? waiter = member.Queues[(int)direction].Take();
        if (waiter is not null)
        {
            ChargeUnsynchronized(member, direction, waiter.Bytes, nowNs);
            if (!_isPlain)
            {
                PassTurnUnsynchronized(member, direction);
            }
        }

        return waiter;
    }

    private void AdmitUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long bytes, long nowNs, ref ThrottleHandOver handOver)
    {
        _tallies[(int)direction].AddSubmitted();
        member.CountUnsynchronized(direction, isThrottled: false);
        ChargeUnsynchronized(member, direction, bytes, nowNs);
        if ((_isPlain ? _pendingCounts[(int)direction] : _tree.Root._pendingCounts[(int)direction]) > 0)
        {
            ScheduleNextUnsynchronized(member, direction, nowNs, false, ref handOver);
        }
    }

    private void QueueUnsynchronized(ThrottleGroupMember member, ThrottleWaiter waiter, long nowNs)
    {
        ThrottleDirection direction = waiter.Direction;
        member.Queues[(int)direction].Add(waiter);
        AddPendingUnsynchronized(direction, 1);
        if (!_isPlain)
        {
            AimUnsynchronized(direction, nowNs);
        }

        ref ThrottleTally tally = ref _tallies[(int)direction];
        tally.AddSubmitted();
        tally.AddThrottled(_pendingCounts[(int)direction]);
        member.CountUnsynchronized(direction, isThrottled: true);
        ThrottleAlarm alarm = _alarms[(int)direction];
        if (alarm is { Binding: ThrottleGroup binding, Meter: { } meter })
        {
            binding._bindingCounts[(int)meter]++;
        }
    }

    private void AddPendingUnsynchronized(ThrottleDirection direction, int count)
    {
        for (ThrottleGroup? group = this; group is not null; group = group._parent)
        {
            group._pendingCounts[(int)direction] += count;
        }
    }

    /// <summary>
    /// Charges a request that starts now. What has leaked until now goes first: a request that nobody asked for room, because
    /// it was drained or woken, must not be paid for by time that passed before it.
    /// </summary>
    private void ChargeUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long bytes, long nowNs)
    {
        _state.Leak(nowNs);
        _state.Charge(direction, bytes);
        if (!_isPlain)
        {
            ChargePathUnsynchronized(member, direction, bytes, nowNs);
        }
    }

    /// <summary>Whether a new request of <paramref name="member"/>, which has none pending, may start at once. Changes nothing.</summary>
    private bool MayPassUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long nowNs)
    {
        if (!_isPlain)
        {
            return MayPassPathUnsynchronized(member, direction, nowNs);
        }

        if (CandidateUnsynchronized(member, direction).IsDrainingUnsynchronized)
        {
            return true;
        }

        if (_alarms[(int)direction].Member is not null)
        {
            return false;
        }

        _state.Leak(nowNs);
        return _state.WaitNs(direction) == 0;
    }

    /// <summary>
    /// A request has started: sees to the next. Returns it, charged, where it is <paramref name="member"/>'s own and
    /// <paramref name="mayTakeOwn"/>; else sets the alarm for whom it is.
    /// </summary>
    private ThrottleWaiter? ScheduleNextUnsynchronized(ThrottleGroupMember member, ThrottleDirection direction, long nowNs, bool mayTakeOwn, ref ThrottleHandOver handOver)
    {
        ThrottleWaiter? own = _isPlain
            ? ScheduleNextPlainUnsynchronized(member, direction, nowNs, mayTakeOwn, ref handOver)
            : ScheduleNextInTreeUnsynchronized(member, direction, nowNs, mayTakeOwn, ref handOver);
        handOver.AddAlarm(_alarms[(int)direction].SettleUnsynchronized());
        return own;
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

    /// <summary>Limits or shares have changed: asks again for the one who was to be woken next; the others follow from there.</summary>
    private void ReconsiderUnsynchronized(ThrottleDirection direction, ref ThrottleHandOver handOver)
    {
        ThrottleAlarm alarm = _alarms[(int)direction];
        if (alarm.Member is not { } holder)
        {
            return;
        }

        long nowNs = NowUnsynchronized();
        alarm.ClearUnsynchronized();
        if (!_isPlain)
        {
            AimUnsynchronized(direction, nowNs);
        }
        else if (!holder.Group.MustWaitUnsynchronized(holder, direction, nowNs))
        {
            alarm.SetUnsynchronized(holder, nowNs, _tree.Root, null);
        }

        handOver.AddAlarm(alarm.SettleUnsynchronized());
    }
}
