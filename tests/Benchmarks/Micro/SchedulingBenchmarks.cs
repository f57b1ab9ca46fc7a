using BenchmarkDotNet.Attributes;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Benchmarks.Micro;

/// <summary>What waiting for the next turn, and for a wake-up, costs.</summary>
public class SchedulingBenchmarks
{
    private const int Count = 10_000;
    private readonly CoQueue _queue = new();
    private readonly Func<Task> _yield;
    private readonly Func<Task> _wake;
    private PolledAioContext _context = null!;

    public SchedulingBenchmarks()
    {
        _yield = YieldManyAsync;
        _wake = WakeManyAsync;
    }

    [GlobalSetup]
    public void SetUp() => _context = new PolledAioContext("benchmark");

    [GlobalCleanup]
    public void CleanUp() => _context.Dispose();

    /// <summary>One turn of the loop, for one who waits for it.</summary>
    [Benchmark(OperationsPerInvoke = Count, Baseline = true)]
    public void YieldAsync() => _context.Run(_yield);

    /// <summary>One waits in a queue, another wakes it: two turns.</summary>
    [Benchmark(OperationsPerInvoke = Count)]
    public void CoQueueWakeUp() => _context.Run(_wake);

    private async Task YieldManyAsync()
    {
        for (int i = 0; i < Count; i++)
        {
            await _context.YieldAsync();
        }
    }

    private async Task WakeManyAsync()
    {
        Task waiter = WaitManyAsync();
        while (!waiter.IsCompleted)
        {
            _queue.WakeNext();
            await _context.YieldAsync();
        }

        await waiter;
    }

    private async Task WaitManyAsync()
    {
        for (int i = 0; i < Count; i++)
        {
            await _queue.WaitAsync();
        }
    }
}
