using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>An operation that the test completes, by hand or by queueing it.</summary>
internal sealed class ManualOperation(AioContext context) : AioOperation(context)
{
    public int RecycleCount { get; private set; }

    protected internal override void Run() => Complete();

    protected override void Recycle() => RecycleCount++;
}
