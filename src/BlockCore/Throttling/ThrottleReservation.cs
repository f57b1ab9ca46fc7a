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
    private readonly ThrottleLimitsUpdate _limits;
    private readonly ThrottleConfig _basis;
    private bool _isOver;

    internal ThrottleReservation(ThrottleGroupRegistry registry, ThrottleGroup group, ThrottleLimitsUpdate limits, ThrottleConfig basis, ThrottleConfig config)
    {
        _registry = registry;
        _limits = limits;
        _basis = basis;
        Group = group;
        Config = config;
    }

    /// <summary>The group that the node will be in.</summary>
    public ThrottleGroup Group { get; }

    /// <summary>The limits it will have, as far as is known now.</summary>
    public ThrottleConfig Config { get; }

    /// <summary>True where committing changes the limits of a group that others may be in too.</summary>
    public bool ChangesLimits => !_limits.IsEmpty;

    /// <summary>
    /// Moves the node's membership to <see cref="Group"/> and then puts the limits in force. Cannot fail. Control plane; the
    /// node is drained.
    /// </summary>
    /// <param name="context">Where the node's requests come from.</param>
    /// <param name="previous">The membership the node has had until now, which ends unless it is in the same group; null where it had none.</param>
    /// <param name="policy">What becomes of the levels where the limits change.</param>
    /// <returns>The node's membership from now on.</returns>
    public ThrottleGroupMember Commit(AioContext context, ThrottleGroupMember? previous = null, ThrottleChangePolicy policy = ThrottleChangePolicy.Scale)
    {
        End();
        ThrottleGroupMember member;
        if (previous is not null && ReferenceEquals(previous.Group, Group))
        {
            member = previous;
            _registry.Release(Group);
        }
        else
        {
            previous?.Leave();
            member = Group.AddMember(context);
        }

        if (ChangesLimits)
        {
            Group.CommitConfig(_limits, _basis, Config, policy);
        }

        return member;
    }

    /// <summary>Gives the group back; nothing has changed.</summary>
    public void Discard()
    {
        End();
        _registry.Release(Group);
    }

    private void End()
    {
        Invariant.Check(!_isOver);
        _isOver = true;
    }
}
