using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// The one alarm of a tree's direction: whose turn comes, and when. It rings on the loop of that member, wherever that is.
/// <i>QEMU: any_timer_armed and the members' timers.</i>
/// </summary>
/// <remarks>
/// <para>What is wanted (<see cref="Member"/>, due) changes at any time, under the tree's lock, on any thread. A timer can
/// only be touched where it is armed. So the timer follows: <see cref="SettleUnsynchronized"/> does what can be done here
/// and names the context that must do the next step; one piece of work goes there, and settles again.</para>
/// <para>Invariants: (1) the work is in at most one ready queue, and while it is, nobody else sends it; (2) the timer is in at
/// most one context's heap or ready queue, and <c>_timerContext</c> names it; (3) an alarm rings once for each
/// <see cref="SetUnsynchronized"/> that nothing has replaced, at home of the member it was set for.</para>
/// </remarks>
internal sealed class ThrottleAlarm
{
    private readonly Lock _syncRoot;
    private readonly ThrottleDirection _direction;
    private readonly AlarmTimer _timer;
    private readonly MoveWork _move;

    // All below are protected by the tree's lock.
    private long _dueNs;
    private long _generation;
    private AioContext? _timerContext;
    private long _timerGeneration;
    private bool _isMoving;

    public ThrottleAlarm(Lock syncRoot, ThrottleDirection direction)
    {
        _syncRoot = syncRoot;
        _direction = direction;
        _timer = new AlarmTimer(this);
        _move = new MoveWork(this);
    }

    /// <summary>Whom it will wake; null where it is not set. Protected by the tree's lock.</summary>
    public ThrottleGroupMember? Member { get; private set; }

    /// <summary>
    /// Whose buckets the wake-up waits for, its own or a group's: whoever does not pass there need not wait for it. Null with
    /// <see cref="Member"/>.
    /// </summary>
    public ThrottleClaimant? Binding { get; private set; }

    /// <summary>Which of its buckets; null where the wake-up waits for none, but is only on its way.</summary>
    public ThrottleMeter? Meter { get; private set; }

    /// <summary>When it rings.</summary>
    public long DueNs => _dueNs;

    /// <summary>Wants <paramref name="member"/> woken at <paramref name="dueNs"/>, instead of whatever was wanted before.</summary>
    public void SetUnsynchronized(ThrottleGroupMember member, long dueNs, ThrottleClaimant binding, ThrottleMeter? meter)
    {
        Member = member;
        Binding = binding;
        Meter = meter;
        _dueNs = dueNs;
        _generation++;
    }

    /// <summary>Wants nobody woken.</summary>
    public void ClearUnsynchronized()
    {
        Member = null;
        Binding = null;
        Meter = null;
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

    /// <summary>Takes the next step to <paramref name="target"/>. Without the tree's lock.</summary>
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
        ThrottleStart start = default;
        ThrottleHandOver handOver = default;
        lock (_syncRoot)
        {
            Invariant.Check(_timerContext == AioContext.Current);
            Invariant.Check(!_timer.IsArmed);
            _timerContext = null;
            if (Member is not null && _timerGeneration == _generation)
            {
                due = RingUnsynchronized(ref start, ref handOver);
            }
            else
            {
                handOver.AddAlarm(SettleUnsynchronized());
            }
        }

        Conclude(due, start, handOver);
    }

    /// <summary>The next step belongs here.</summary>
    private void OnMove()
    {
        ThrottleGroupMember? due = null;
        ThrottleStart start = default;
        ThrottleHandOver handOver = default;
        lock (_syncRoot)
        {
            _isMoving = false;
            AioContext here = AioContext.Current!;
            if (_timerContext is null && Member is not null && Member.HomeUnsynchronized == here && _dueNs <= here.NowNs)
            {
                due = RingUnsynchronized(ref start, ref handOver);
            }
            else
            {
                handOver.AddAlarm(SettleUnsynchronized());
            }
        }

        Conclude(due, start, handOver);
    }

    /// <summary>Decides who starts in the same step in which it stops being set: nobody comes in between.</summary>
    private ThrottleGroupMember RingUnsynchronized(ref ThrottleStart start, ref ThrottleHandOver handOver)
    {
        ThrottleGroupMember due = Member!;
        Invariant.Check(due.HomeUnsynchronized.IsHome);
        ClearUnsynchronized();
        start = due.Group.OnAlarmUnsynchronized(due, _direction, ref handOver);
        return due;
    }

    private void Conclude(ThrottleGroupMember? due, ThrottleStart start, ThrottleHandOver handOver)
    {
        if (due is null)
        {
            handOver.Send(this);
        }
        else
        {
            due.Group.Run(due, _direction, start, handOver);
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
