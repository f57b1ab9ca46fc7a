using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>Starts a member's queue of one direction on the member's own loop, without asking whether it must wait. <i>QEMU: throttle_group_restart_queue_entry().</i></summary>
internal sealed class ThrottleRestart(ThrottleGroupMember member, ThrottleDirection direction) : AioWork
{
    /// <summary>True from sending until it runs: it is in at most one ready queue. Protected by the tree's lock.</summary>
    internal bool IsSent;

    /// <inheritdoc/>
    protected internal override void Run() => member.Group.OnRestart(member, direction);
}
