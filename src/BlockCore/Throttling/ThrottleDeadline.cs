using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>Ends the waits of one member and direction that last too long, on the context it was made for. <i>QEMU: none.</i></summary>
internal sealed class ThrottleDeadline(ThrottleGroupMember member, ThrottleDirection direction, AioContext context) : AioTimer
{
    /// <summary>The context it is armed on.</summary>
    public AioContext Context { get; } = context;

    /// <summary>Sees to it that it rings at <paramref name="dueNs"/> or before; then it looks at the queue. At home.</summary>
    public void Watch(long dueNs)
    {
        if (IsArmed && DueNs <= dueNs)
        {
            return;
        }

        if (IsArmed)
        {
            Context.Disarm(this);
        }

        Context.Arm(this, dueNs);
    }

    /// <inheritdoc/>
    protected internal override void Run() => member.Group.OnDeadline(member, direction, this);
}
