using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// The one alarm of a group's direction: whose turn comes, and when. It rings on the loop of that member, wherever that is.
/// <i>QEMU: any_timer_armed and the members' timers.</i>
/// </summary>
/// <remarks>
/// <para>What is wanted (<see cref="Member"/>, due) changes at any time, under the group's lock, on any thread. A timer can
/// only be touched where it is armed. So the timer follows: <see cref="SettleUnsynchronized"/> does what can be done here
/// and names the context that must do the next step; one piece of work goes there, and settles again.</para>
/// <para>Invariants: (1) the work is in at most one ready queue, and while it is, nobody else sends it; (2) the timer is in at
/// most one context's heap or ready queue, and <c>_timerContext</c> names it; (3) an alarm rings once for each
/// <see cref="SetUnsynchronized"/> that nothing has replaced, at home of the member it was set for.</para>
/// </remarks>
internal sealed class ThrottleAlarm
{
    private readonly ThrottleGroup _group;
    private readonly ThrottleDirection _direction;
    private readonly AlarmTimer _timer;
    private readonly MoveWork _move;

    // All below are protected by the group's lock.
    private long _dueNs;
    private long _generation;
    private AioContext? _timerContext;
    private long _timerGeneration;
    private bool _isMoving;

    public ThrottleAlarm(ThrottleGroup group, ThrottleDirection direction)
    {
        _group = group;
        _direction = direction;
        _timer = new AlarmTimer(this);
        _move = new MoveWork(this);
    }

    /// <summary>Whom it will wake; null where it is not set. Protected by the group's lock.</summary>
    public ThrottleGroupMember? Member { get; private set; }

    /// <summary>Wants <paramref name="member"/> woken at <paramref name="dueNs"/>, instead of whatever was wanted before.</summary>
    public void SetUnsynchronized(ThrottleGroupMember member, long dueNs)
    {
        Member = member;
        _dueNs = dueNs;
        _generation++;
    }

    /// <summary>Wants nobody woken.</summary>
    public void ClearUnsynchronized()
    {
        Member = null;
        _generation++;
    }

    /// <summary>
    /// Brings the timer nearer to what is wanted. Returns the context that the next step belongs to, for
    /// <see cref="Send"/> after the lock is released; null where there is none or it is on its way already.
    /// </summary>
    public AioContext? SettleUnsynchronized()
    {
        if (_isMoving || (_timerContext is not null && _timerGeneration == _generation))
        {
            return null;
        }

        AioContext? here = AioContext.Current;
        if (_timerContext is { } holder)
        {
            if (holder != here)
            {
                return MoveToUnsynchronized(holder);
            }

            if (!_timer.IsArmed)
            {
                // It has fired and is about to run on this loop; it settles then.
                return null;
            }

            here.Disarm(_timer);
            _timerContext = null;
        }

        if (Member is null)
        {
            return null;
        }

        AioContext target = Member.HomeUnsynchronized;
        if (target != here || _dueNs <= here.NowNs)
        {
            return MoveToUnsynchronized(target);
        }

        here.Arm(_timer, _dueNs);
        _timerContext = here;
        _timerGeneration = _generation;
        return null;
    }

    /// <summary>Takes the next step to <paramref name="target"/>. Without the group's lock.</summary>
    public void Send(AioContext target) => target.Send(_move);

    private AioContext MoveToUnsynchronized(AioContext target)
    {
        _isMoving = true;
        return target;
    }

    /// <summary>The timer has come out of its heap and runs here.</summary>
    private void OnTimer()
    {
        ThrottleGroupMember? due = null;
        AioContext? next = null;
        lock (_group.SyncRoot)
        {
            Invariant.Check(_timerContext == AioContext.Current);
            Invariant.Check(!_timer.IsArmed);
            _timerContext = null;
            if (Member is not null && _timerGeneration == _generation)
            {
                due = RingUnsynchronized();
            }
            else
            {
                next = SettleUnsynchronized();
            }
        }

        Conclude(due, next);
    }

    /// <summary>The next step belongs here.</summary>
    private void OnMove()
    {
        ThrottleGroupMember? due = null;
        AioContext? next = null;
        lock (_group.SyncRoot)
        {
            _isMoving = false;
            AioContext here = AioContext.Current!;
            if (_timerContext is null && Member is not null && Member.HomeUnsynchronized == here && _dueNs <= here.NowNs)
            {
                due = RingUnsynchronized();
            }
            else
            {
                next = SettleUnsynchronized();
            }
        }

        Conclude(due, next);
    }

    private ThrottleGroupMember RingUnsynchronized()
    {
        ThrottleGroupMember due = Member!;
        Invariant.Check(due.HomeUnsynchronized.IsHome);
        ClearUnsynchronized();
        return due;
    }

    private void Conclude(ThrottleGroupMember? due, AioContext? next)
    {
        if (next is not null)
        {
            Send(next);
        }

        if (due is not null)
        {
            _group.StartQueue(due, _direction);
        }
    }

    private sealed class AlarmTimer(ThrottleAlarm alarm) : AioTimer
    {
        protected internal override void Run() => alarm.OnTimer();
    }

    private sealed class MoveWork(ThrottleAlarm alarm) : AioWork
    {
        protected internal override void Run() => alarm.OnMove();
    }
}
