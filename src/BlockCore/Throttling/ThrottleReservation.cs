using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// The prepared half of opening or reopening a throttled node: the group it leads to, held by a reference, and the limits the
/// group will have, validated. Exactly one of <see cref="Commit"/> and <see cref="Discard"/> ends it. <i>QEMU: throttle_reopen_prepare().</i>
/// </summary>
public sealed class ThrottleReservation
{
    private readonly ThrottleGroupRegistry _registry;
    private readonly ThrottleConfig _basis;

    // A copy: what a later plan of the same operation says instead is taken out. Protected by the registry's lock until the plan is committed.
    private readonly ThrottleLimitsUpdate _limits;
    private bool _isOver;

    internal ThrottleReservation(ThrottleGroupRegistry registry, ThrottleGroup group, ThrottleLimitsUpdate limits, ThrottleConfig basis, ThrottleConfig config)
    {
        _registry = registry;
        _basis = basis;
        Group = group;
        Config = config;
        _limits = limits.Clone();
    }

    /// <summary>The group that the node will be in.</summary>
    public ThrottleGroup Group { get; }

    /// <summary>The limits it will have, as far as is known now.</summary>
    public ThrottleConfig Config { get; }

    /// <summary>True where committing sets limits, of a group that others may be in too.</summary>
    public bool ChangesLimits => !_limits.IsEmpty;

    /// <summary>What the plan is a part of, or null.</summary>
    internal object? Operation { get; init; }

    /// <summary>
    /// Moves the node's membership to <see cref="Group"/> and then puts the limits in force. Cannot fail. Control plane; the
    /// node is drained.
    /// </summary>
    /// <param name="context">Where the node's requests come from.</param>
    /// <param name="oldMember">The membership the node has had until now, which ends unless it is in the same group; null where it had none.</param>
    /// <param name="policy">What becomes of the levels where the limits change.</param>
    /// <returns>The node's membership from now on.</returns>
    public ThrottleGroupMember Commit(AioContext context, ThrottleGroupMember? oldMember = null, ThrottleChangePolicy policy = ThrottleChangePolicy.Scale)
    {
        End();
        _registry.Commit(this);
        ThrottleGroupMember newMember;
        if (oldMember is not null && ReferenceEquals(oldMember.Group, Group))
        {
            newMember = oldMember;
            _registry.Release(Group);
        }
        else
        {
            oldMember?.Leave();
            newMember = Group.AddMember(context);
        }

        if (ChangesLimits)
        {
            Group.CommitConfig(_limits, _basis, Config, policy);
        }

        return newMember;
    }

    /// <summary>Gives the group back; nothing has changed.</summary>
    public void Discard()
    {
        End();
        _registry.Discard(this);
    }

    /// <summary>True where it is a part of <paramref name="operation"/>.</summary>
    internal bool IsPartOf(object? operation) => operation is not null && ReferenceEquals(Operation, operation);

    /// <summary>The limits that follow where <paramref name="config"/> is in force when it is committed.</summary>
    internal ThrottleConfig MergeOver(ThrottleConfig config) => config.Merge(_limits);

    /// <summary>Leaves alone what <paramref name="later"/> sets.</summary>
    internal void YieldTo(ThrottleReservation later) => _limits.Forget(later._limits);

    private void End()
    {
        Invariant.Check(!_isOver);
        _isOver = true;
    }
}
