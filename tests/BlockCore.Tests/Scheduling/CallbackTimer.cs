using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>A timer that calls a delegate.</summary>
internal sealed class CallbackTimer(Action onDue) : AioTimer
{
    protected internal override void Run() => onDue();
}
