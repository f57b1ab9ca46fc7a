using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>Work that calls a delegate.</summary>
internal sealed class CallbackWork(Action action) : AioWork
{
    protected internal override void Run() => action();
}
