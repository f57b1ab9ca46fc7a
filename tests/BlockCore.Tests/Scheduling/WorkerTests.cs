using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>Blocking work goes to the workers, and its end comes home.</summary>
[TestFixture]
public sealed class WorkerTests
{
    [Test]
    public void Work_runs_on_a_worker_and_continues_at_home()
    {
        using PolledAioContext context = new("test");
        context.Run(async () =>
        {
            string? name = null;
            AioContext? there = context;
            await context.RunOnWorkers(() =>
            {
                name = Thread.CurrentThread.Name;
                there = AioContext.Current;
            });
            Assert.That(name, Does.StartWith("blockgraph-worker-"), "a thread of the pool");
            Assert.That(there, Is.Null, "which is in no context");
            Assert.That(context.IsHome, Is.True, "back home");
        });
    }

    [Test]
    public void The_result_comes_back()
    {
        using PolledAioContext context = new("test");
        context.Run(async () => Assert.That(await context.RunOnWorkers(() => 6 * 7), Is.EqualTo(42), "the result"));
    }

    [Test]
    public void What_the_work_throws_is_thrown_at_the_awaiter()
    {
        using PolledAioContext context = new("test");
        context.Run(async () =>
        {
            NotSupportedException error = await Failure.OfAsync<NotSupportedException>(
                async () => await context.RunOnWorkers(() => throw new NotSupportedException("on purpose")));
            Assert.That(error.Message, Is.EqualTo("on purpose"), "the exception itself");
        });
    }

    [Test]
    public void The_work_of_one_turn_runs_side_by_side()
    {
        using PolledAioContext context = new("test");
        using Barrier meeting = new(8);
        int met = 0;
        context.Run(async () =>
        {
            // None can end before all have begun.
            Task[] jobs = [.. Enumerable.Range(0, 8).Select(_ => context.RunOnWorkers(() =>
            {
                if (meeting.SignalAndWait(TimeSpan.FromSeconds(60)))
                {
                    Interlocked.Increment(ref met);
                }
            }).AsTask())];
            await Task.WhenAll(jobs);
        });
        Assert.That(met, Is.EqualTo(8), "all met");
    }

    [Test]
    public void A_burst_larger_than_the_pool_is_done_in_full()
    {
        using PolledAioContext context = new("test");
        int done = 0;
        context.Run(async () =>
        {
            for (int round = 0; round < 20; round++)
            {
                await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => context.RunOnWorkers(() => { Interlocked.Increment(ref done); }).AsTask()));
            }
        });
        Assert.That(done, Is.EqualTo(2000), "every job ran once");
        Assert.That(WorkerPool.Shared.ThreadCount, Is.InRange(1, Math.Max(16, Environment.ProcessorCount)), "on a bounded number of threads");
    }

    [Test]
    public void The_simulator_runs_work_outside_of_every_context_and_decides_how_long_it_takes()
    {
        using Simulation world = new(new SimulationOptions { Seed = 3, JobNsMax = 1000 });
        world.Run(async () =>
        {
            AioContext? there = world.MainContext;
            for (int i = 0; i < 20; i++)
            {
                await world.MainContext.RunOnWorkers(() => { there = AioContext.Current; });
                Assert.That(there, Is.Null, "in no context");
                Assert.That(world.MainContext.IsHome, Is.True, "back home");
            }
        });
        Assert.That(world.NowNs, Is.Positive, "the work took time");
    }

    [Test]
    public void In_exact_time_work_takes_none()
    {
        using Simulation world = new(new SimulationOptions { HasExactTime = true });
        world.Run(async () => await world.MainContext.RunOnWorkers(() => { }));
        Assert.That(world.NowNs, Is.Zero, "the clock");
    }
}
