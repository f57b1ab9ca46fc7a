using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// Limits that several members share, and the turns they take; perhaps below another group, whose limits count too. Members may
/// live in different contexts; everything here may be called from any thread. <i>QEMU: ThrottleGroup.</i>
/// </summary>
/// <remarks>
/// <para>One lock protects a whole tree: buckets, rings, queues, tokens, alarms. Nothing is awaited, sent or called back under
/// it: what must be sent is collected and sent after it is released. docs/throttling.md has the picture.</para>
/// <para>Invariants, for each direction: (1) at most one alarm is set in a tree; (2) while a queue is not empty, the alarm is set,
/// or a start of some queue is under way, which asks again when it is through; (3) a member's requests start in the order they
/// came; (4) every request that starts is charged once, in its group and all above, and one that is cancelled never.</para>
/// </remarks>
public sealed partial class ThrottleGroup : ThrottleClaimant
{
    private const int DirectionCount = 2;

    /// <summary>The lock that protects the tree.</summary>
    internal readonly Lock SyncRoot;

    private readonly ThrottleTree _tree;
    private readonly PerDirection<ThrottleAlarm> _alarms;
    private readonly ThrottleGroup? _parent;

    // Protected by SyncRoot, down to _claimantCount.
    private readonly ThrottleState _state;
    private readonly long[] _bindingCounts = new long[ThrottleKeys.MeterCount];
    private PerDirection<ThrottleTally> _tallies;
    private PerDirection<ThrottleClaimant?> _tokens;
    private PerDirection<double> _virtualTimes;
    private PerDirection<int> _pendingCounts;
    private bool _isPlain;
    private ThrottleClaimant? _firstClaimant;
    private int _claimantCount;
    private int _memberCount;
    private int _shareCount;

    // Written under SyncRoot, read anywhere.
    private volatile bool _isEnabled;

    /// <summary>A group without members.</summary>
    /// <param name="name">What it is called in errors and lists.</param>
    /// <param name="config">Its limits.</param>
    /// <param name="parent">The group whose limits count for it too, for ever; null for none.</param>
    /// <exception cref="BlockException">The limits are not valid (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public ThrottleGroup(string name, ThrottleConfig config, ThrottleGroup? parent = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Name = name;
        _parent = parent;
        _tree = parent?._tree ?? new ThrottleTree(this);
        _alarms[(int)ThrottleDirection.Read] = _tree.ReadAlarm;
        _alarms[(int)ThrottleDirection.Write] = _tree.WriteAlarm;
        SyncRoot = _tree.SyncRoot;
        _state = new ThrottleState(config);
        lock (SyncRoot)
        {
            AddPeculiaritiesUnsynchronized((parent is null ? 0 : 1) + (config.IsFairByCost ? 1 : 0));
            parent?.LinkUnsynchronized(this);
            _isEnabled = config.IsEnabled || parent?._isEnabled == true;
        }
    }

    /// <summary>What the group is called. It never changes.</summary>
    public string Name { get; }

    /// <summary>The group whose limits count for it too; null for none. It never changes.</summary>
    public ThrottleGroup? Parent => _parent;

    /// <summary>True where anything is limited, here or above.</summary>
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

    /// <summary>How many members it has itself.</summary>
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

    /// <summary>What it may have of what its parent admits.</summary>
    public ThrottleShare Share
    {
        get
        {
            lock (SyncRoot)
            {
                return ShareUnsynchronized;
            }
        }
    }

    /// <summary>Who counts the references to this group; null for a group of its own.</summary>
    internal ThrottleGroupRegistry? Registry { get; init; }

    /// <inheritdoc/>
    internal override ThrottleGroup? Upper => _parent;

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
            _memberCount++;
            member.IsLimited = _isEnabled;
        }

        return member;
    }

    /// <summary>How many requests of <paramref name="direction"/> wait now, in all members, here and below.</summary>
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
        List<ThrottleGroupMember> changed = [];
        lock (SyncRoot)
        {
            ConfigureUnsynchronized(config, policy, changed);
        }

        AfterChange(changed);
    }

    /// <summary>Merges <paramref name="update"/> over the limits in force, as one step, and asks at once again for everybody who waits. Control plane; any thread.</summary>
    /// <param name="update">What is to change; nothing else does.</param>
    /// <param name="policy">What becomes of the levels.</param>
    /// <param name="keyPrefix">What stands before a key in the caller's spelling, for errors that name one.</param>
    /// <exception cref="BlockException">The merged limits are not valid; nothing has changed (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public void MergeConfig(ThrottleLimitsUpdate update, ThrottleChangePolicy policy = ThrottleChangePolicy.Scale, string keyPrefix = "")
    {
        ArgumentNullException.ThrowIfNull(update);
        List<ThrottleGroupMember> changed = [];
        lock (SyncRoot)
        {
            ThrottleConfig merged = _state.Config.Merge(update);
            merged.Validate(keyPrefix);
            ConfigureUnsynchronized(merged, policy, changed);
        }

        AfterChange(changed);
    }

    /// <summary>Gives it another share of what its parent admits. Control plane; any thread.</summary>
    /// <exception cref="BlockException">The share is not valid; nothing has changed (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    /// <exception cref="InvalidOperationException">It has no parent.</exception>
    public void SetShare(ThrottleShare share)
    {
        ArgumentNullException.ThrowIfNull(share);
        if (_parent is null)
        {
            throw new InvalidOperationException($"throttle group '{Name}' has no parent");
        }

        share.Validate();
        _parent.SetShare(this, share);
    }

    /// <summary>Leaves its parent for good; it has no members and no groups below. Its limits count for nobody any more. Control plane.</summary>
    public void LeaveParent()
    {
        if (_parent is null)
        {
            return;
        }

        lock (SyncRoot)
        {
            Invariant.Check(_claimantCount == 0);
            Invariant.Check(NextInRing is not null);
            AddPeculiaritiesUnsynchronized(-1 - (_state.Config.IsFairByCost ? 1 : 0));
            _parent.UnlinkUnsynchronized(this);
        }
    }

    /// <inheritdoc/>
    internal override int PendingUnsynchronized(ThrottleDirection direction) => _pendingCounts[(int)direction];

    /// <summary>
    /// Merges <paramref name="update"/> over the limits in force, unless the result would be invalid because they have
    /// changed since <paramref name="prepared"/> was merged from <paramref name="basis"/>: then puts that in force. Never fails.
    /// </summary>
    internal void CommitConfig(ThrottleLimitsUpdate update, ThrottleConfig basis, ThrottleConfig prepared, ThrottleChangePolicy policy)
    {
        List<ThrottleGroupMember> changed = [];
        lock (SyncRoot)
        {
            ThrottleConfig merged = ReferenceEquals(_state.Config, basis) ? prepared : _state.Config.Merge(update);
            bool isValid = ThrottleConfigRules.FindError(merged, string.Empty) is null;
            ConfigureUnsynchronized(isValid ? merged : prepared, policy, changed);
        }

        AfterChange(changed);
    }

    /// <summary>Gives <paramref name="claimant"/>, who takes turns here, the share <paramref name="share"/>, which is valid.</summary>
    internal void SetShare(ThrottleClaimant claimant, ThrottleShare share)
    {
        List<ThrottleGroupMember> changed = [];
        lock (SyncRoot)
        {
            int before = claimant.ShareUnsynchronized.IsDefault ? 0 : 1;
            claimant.SetShareUnsynchronized(share, NowUnsynchronized());
            CountSharesUnsynchronized((share.IsDefault ? 0 : 1) - before);
            RefreshActivityUnsynchronized(changed);
        }

        AfterChange(changed);
    }

    /// <summary>Takes <paramref name="member"/>, which has nothing pending, out of the ring; an alarm set for it goes to another.</summary>
    internal void Remove(ThrottleGroupMember member)
    {
        lock (SyncRoot)
        {
            CheckNothingPendingUnsynchronized(member);
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
                    alarm.SetUnsynchronized(member, NowUnsynchronized(), _tree.Root, null);
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

    private void ConfigureUnsynchronized(ThrottleConfig config, ThrottleChangePolicy policy, List<ThrottleGroupMember> changed)
    {
        AddPeculiaritiesUnsynchronized((config.IsFairByCost ? 1 : 0) - (_state.Config.IsFairByCost ? 1 : 0));
        _state.Configure(config, policy, NowUnsynchronized());
        RefreshActivityUnsynchronized(changed);
    }

    /// <summary>Asks again for everybody in the tree, and tells those of whom <see cref="ThrottleGroupMember.IsIdle"/> may have changed.</summary>
    private void AfterChange(List<ThrottleGroupMember> changed)
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

        foreach (ThrottleGroupMember member in changed)
        {
            member.ActivityChanged?.Invoke();
        }
    }

    /// <summary>The instant of the calling context; a caller without one is not later than the last leak.</summary>
    private long NowUnsynchronized() => AioContext.Current?.NowNs ?? _state.LastLeakNs;
}
