using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// Limits that several members share, and the turns they take. Members may live in different contexts; everything here may be
/// called from any thread. <i>QEMU: ThrottleGroup.</i>
/// </summary>
/// <remarks>
/// <para>One lock protects everything: buckets, ring, queues, tokens, alarms. Nothing is awaited, sent or called back under
/// it: what must be sent is collected and sent after it is released.</para>
/// <para>Invariants, for each direction: (1) at most one alarm is set; (2) while a queue is not empty, the alarm is set, or a
/// start of some queue is under way, which asks again when it is through; (3) a member's requests start in the order they
/// came; (4) every request that starts is charged once, and one that is cancelled never.</para>
/// </remarks>
public sealed partial class ThrottleGroup
{
    private const int DirectionCount = 2;

    /// <summary>The lock that protects the group, its alarms, and its members' queues.</summary>
    internal readonly Lock SyncRoot = new();

    // Protected by SyncRoot, down to _firstMember.
    private readonly ThrottleState _state;
    private readonly ThrottleAlarm[] _alarms;
    private readonly ThrottleGroupMember?[] _tokens = new ThrottleGroupMember?[DirectionCount];
    private readonly int[] _pendingCounts = new int[DirectionCount];
    private ThrottleGroupMember? _firstMember;
    private int _memberCount;

    // Written under SyncRoot, read anywhere: a request of a group without limits takes no lock.
    private volatile bool _isEnabled;

    /// <summary>A group without members.</summary>
    /// <param name="name">What it is called in errors and lists.</param>
    /// <param name="config">Its limits.</param>
    /// <exception cref="BlockException">The limits are not valid (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public ThrottleGroup(string name, ThrottleConfig config)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Name = name;
        _state = new ThrottleState(config);
        _isEnabled = config.IsEnabled;
        _alarms = [new ThrottleAlarm(this, ThrottleDirection.Read), new ThrottleAlarm(this, ThrottleDirection.Write)];
    }

    /// <summary>What the group is called. It never changes.</summary>
    public string Name { get; }

    /// <summary>True where anything is limited.</summary>
    public bool IsEnabled
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _isEnabled;
    }

    /// <summary>The limits in force.</summary>
    public ThrottleConfig Config
    {
        get
        {
            lock (SyncRoot)
            {
                return _state.Config;
            }
        }
    }

    /// <summary>How many members it has.</summary>
    public int MemberCount
    {
        get
        {
            lock (SyncRoot)
            {
                return _memberCount;
            }
        }
    }

    /// <summary>Who counts the references to this group; null for a group of its own.</summary>
    internal ThrottleGroupRegistry? Registry { get; init; }

    /// <summary>
    /// A new member whose requests come from <paramref name="context"/>. In a group of a registry it takes over one reference
    /// of the caller's, and gives it back when it leaves. Control plane; any thread.
    /// </summary>
    public ThrottleGroupMember AddMember(AioContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        ThrottleGroupMember member = new(this, context);
        lock (SyncRoot)
        {
            LinkUnsynchronized(member);
            for (int direction = 0; direction < DirectionCount; direction++)
            {
                _tokens[direction] ??= member;
            }

            _memberCount++;
        }

        return member;
    }

    /// <summary>How many requests of <paramref name="direction"/> wait now, in all members.</summary>
    public int PendingCount(ThrottleDirection direction)
    {
        lock (SyncRoot)
        {
            return _pendingCounts[(int)direction];
        }
    }

    /// <summary>The bucket of <paramref name="meter"/> as it stood when it leaked last.</summary>
    public LeakyBucket Bucket(ThrottleMeter meter)
    {
        lock (SyncRoot)
        {
            return _state[meter];
        }
    }

    /// <summary>Puts <paramref name="config"/> in force and asks at once again for everybody who waits. Control plane; any thread.</summary>
    /// <exception cref="BlockException">The limits are not valid; nothing has changed (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public void SetConfig(ThrottleConfig config, ThrottleChangePolicy policy = ThrottleChangePolicy.Scale)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        bool hasChangedActivity;
        lock (SyncRoot)
        {
            ConfigureUnsynchronized(config, policy, out hasChangedActivity);
        }

        AfterConfigured(hasChangedActivity);
    }

    /// <summary>
    /// Merges <paramref name="update"/> over the limits in force, unless the result would be invalid because they have
    /// changed since <paramref name="prepared"/> was merged from <paramref name="basis"/>: then puts that in force. Never fails.
    /// </summary>
    internal void CommitConfig(ThrottleLimitsUpdate update, ThrottleConfig basis, ThrottleConfig prepared, ThrottleChangePolicy policy)
    {
        bool hasChangedActivity;
        lock (SyncRoot)
        {
            ThrottleConfig merged = ReferenceEquals(_state.Config, basis) ? prepared : _state.Config.Merge(update);
            bool isValid = ThrottleConfigRules.FindError(merged, string.Empty) is null;
            ConfigureUnsynchronized(isValid ? merged : prepared, policy, out hasChangedActivity);
        }

        AfterConfigured(hasChangedActivity);
    }

    /// <summary>Takes <paramref name="member"/>, which has nothing pending, out of the ring; an alarm set for it goes to another.</summary>
    internal void Remove(ThrottleGroupMember member)
    {
        lock (SyncRoot)
        {
            CheckNothingPendingUnsynchronized(member);
            for (int direction = 0; direction < DirectionCount; direction++)
            {
                if (ReferenceEquals(_tokens[direction], member))
                {
                    _tokens[direction] = ReferenceEquals(member.NextInRing, member) ? null : member.NextInRing;
                }
            }

            UnlinkUnsynchronized(member);
            _memberCount--;
        }

        GiveUpAlarms(member);
        Registry?.Release(this);
    }

    /// <summary>Takes every alarm away from <paramref name="member"/>, which has nothing pending, and lets others have it.</summary>
    internal void GiveUpAlarms(ThrottleGroupMember member)
    {
        for (int direction = 0; direction < DirectionCount; direction++)
        {
            ThrottleHandOver handOver = default;
            lock (SyncRoot)
            {
                CheckNothingPendingUnsynchronized(member);
                PassAlarmOnUnsynchronized(member, (ThrottleDirection)direction, ref handOver);
            }

            handOver.Send(_alarms[direction]);
        }
    }

    /// <summary>The limits stop counting for <paramref name="member"/>: whatever it has queued starts now.</summary>
    internal void Kick(ThrottleGroupMember member)
    {
        for (int direction = 0; direction < DirectionCount; direction++)
        {
            ThrottleHandOver handOver = default;
            lock (SyncRoot)
            {
                ThrottleAlarm alarm = _alarms[direction];
                if (ReferenceEquals(alarm.Member, member))
                {
                    alarm.SetUnsynchronized(member, NowUnsynchronized());
                    handOver.AddAlarm(alarm.SettleUnsynchronized());
                }
                else if (member.Queues[direction].QueuedCount > 0)
                {
                    handOver.AddRestartUnsynchronized(member.Restarts[direction], member.HomeUnsynchronized);
                }
            }

            handOver.Send(_alarms[direction]);
        }
    }

    private static void CheckNothingPendingUnsynchronized(ThrottleGroupMember member)
    {
        Invariant.Check(member.Queues[(int)ThrottleDirection.Read].PendingCount == 0);
        Invariant.Check(member.Queues[(int)ThrottleDirection.Write].PendingCount == 0);
    }

    private void ConfigureUnsynchronized(ThrottleConfig config, ThrottleChangePolicy policy, out bool hasChangedActivity)
    {
        _state.Configure(config, policy, NowUnsynchronized());
        hasChangedActivity = _isEnabled != config.IsEnabled;
        _isEnabled = config.IsEnabled;
    }

    private void AfterConfigured(bool hasChangedActivity)
    {
        for (int direction = 0; direction < DirectionCount; direction++)
        {
            ThrottleHandOver handOver = default;
            lock (SyncRoot)
            {
                ReconsiderUnsynchronized((ThrottleDirection)direction, ref handOver);
            }

            handOver.Send(_alarms[direction]);
        }

        if (hasChangedActivity)
        {
            foreach (ThrottleGroupMember member in Members())
            {
                member.ActivityChanged?.Invoke();
            }
        }
    }

    private List<ThrottleGroupMember> Members()
    {
        List<ThrottleGroupMember> members = [];
        lock (SyncRoot)
        {
            ThrottleGroupMember? member = _firstMember;
            for (int index = 0; index < _memberCount; index++)
            {
                members.Add(member!);
                member = member!.NextInRing;
            }
        }

        return members;
    }

    /// <summary>Puts <paramref name="member"/> at the head of the ring, that is between the last and the first.</summary>
    private void LinkUnsynchronized(ThrottleGroupMember member)
    {
        ThrottleGroupMember next = _firstMember ?? member;
        ThrottleGroupMember previous = _firstMember?.PreviousInRing ?? member;
        member.NextInRing = next;
        member.PreviousInRing = previous;
        next.PreviousInRing = member;
        previous.NextInRing = member;
        _firstMember = member;
    }

    private void UnlinkUnsynchronized(ThrottleGroupMember member)
    {
        ThrottleGroupMember next = member.NextInRing!;
        ThrottleGroupMember previous = member.PreviousInRing!;
        next.PreviousInRing = previous;
        previous.NextInRing = next;
        if (ReferenceEquals(_firstMember, member))
        {
            _firstMember = ReferenceEquals(next, member) ? null : next;
        }

        member.NextInRing = null;
        member.PreviousInRing = null;
    }

    /// <summary>The instant of the calling context; a caller without one is not later than the last leak.</summary>
    private long NowUnsynchronized() => AioContext.Current?.NowNs ?? _state.LastLeakNs;
}
