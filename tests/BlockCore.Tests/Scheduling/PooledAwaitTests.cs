using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>The awaits of the data plane allocate nothing once their operations are pooled.</summary>
[TestFixture]
public sealed class PooledAwaitTests
{
    private const int WarmUpCount = 300;
    private const int MeasuredCount = 2000;
    private readonly CoQueue _queue = new();
    private readonly CoMutex _mutex = new();

    public static IEnumerable<string> Awaits => ["yield", "delay", "queue", "mutex"];

    [TestCaseSource(nameof(Awaits))]
    public void An_await_allocates_nothing(string kind)
    {
        using PolledAioContext context = new("test");
        long allocated = -1;
        context.Run(async () =>
        {
            for (int i = 0; i < WarmUpCount; i++)
            {
                await StartAsync(context, kind);
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < MeasuredCount; i++)
            {
                await StartAsync(context, kind);
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        Assert.That(allocated, Is.Zero, $"bytes over {MeasuredCount} awaits");
    }

    private ValueTask StartAsync(PolledAioContext context, string kind)
    {
        switch (kind)
        {
            case "yield":
                return context.YieldAsync();
            case "delay":
                return context.DelayAsync(0);
            case "queue":
                ValueTask waiting = _queue.WaitAsync();
                _queue.WakeNext();
                return waiting;
            default:
                if (_mutex.IsHeld)
                {
                    ValueTask entering = _mutex.EnterAsync();
                    _mutex.Exit();
                    return entering;
                }

                return _mutex.EnterAsync();
        }
    }
}
