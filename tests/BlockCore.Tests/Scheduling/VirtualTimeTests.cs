using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>A world on a virtual clock, without chance: exact, and in order of arrival.</summary>
[TestFixture]
public sealed class VirtualTimeTests
{
    private VirtualTimeScheduler _world = null!;

    [SetUp]
    public void SetUp() => _world = new VirtualTimeScheduler { StepCountMax = 10_000 };

    [TearDown]
    public void TearDown() => _world.Dispose();

    [Test]
    public void A_delay_takes_exactly_its_time()
    {
        _world.Run(async () =>
        {
            await _world.MainContext.DelayAsync(490_000_000);
            Assert.That(_world.MainContext.NowNs, Is.EqualTo(490_000_000), "the context's clock is the world's");
            await _world.MainContext.DelayAsync(1);
        });
        Assert.That(_world.NowNs, Is.EqualTo(490_000_001), "to the nanosecond");
    }

    [Test]
    public void Nothing_but_waiting_takes_time()
    {
        _world.Run(async () =>
        {
            for (int i = 0; i < 1000; i++)
            {
                await _world.MainContext.YieldAsync();
            }
        });
        Assert.That(_world.NowNs, Is.Zero, "the clock");
        Assert.That(_world.StepCount, Is.GreaterThanOrEqualTo(1000), "the steps are counted");
    }

    [Test]
    public void Work_runs_in_order_of_arrival_across_contexts()
    {
        VirtualTimeAioContext other = _world.CreateContext("other");
        Assert.That(other.Index, Is.EqualTo(1), "contexts are numbered");
        List<string> order = [];
        _world.Run(async () =>
        {
            other.Post(_ => order.Add(AioContext.Current!.Name), null);
            await _world.MainContext.YieldAsync();
            order.Add("main");
            await other.SwitchTo();
            order.Add(AioContext.Current!.Name);
            await _world.MainContext.SwitchTo();
            order.Add(AioContext.Current!.Name);
        });
        Assert.That(order, Is.EqualTo(new[] { "main", "other", "other", "main" }), "the order, and the homes");
    }

    [Test]
    public void Timers_of_all_contexts_share_one_clock()
    {
        VirtualTimeAioContext other = _world.CreateContext("other");
        List<long> instants = [];
        _world.Run(async () =>
        {
            Task there = other.RunAsync(async () =>
            {
                await other.DelayAsync(70);
                instants.Add(_world.NowNs);
            });
            await _world.MainContext.DelayAsync(50);
            instants.Add(_world.NowNs);
            await there;
        });
        Assert.That(instants, Is.EqualTo(new[] { 50L, 70 }), "in order of time");
    }

    [Test]
    public void A_deadlock_is_reported() => Assert.That(
        () => _world.Run(async () => await new CoQueue().WaitAsync()),
        Throws.TypeOf<InvariantViolationException>().With.Message.Contains("deadlock"),
        "nothing will ever happen");

    [Test]
    public void A_livelock_is_reported() => Assert.That(
        () => _world.Run(async () =>
        {
            while (true)
            {
                await _world.MainContext.YieldAsync();
            }
        }),
        Throws.TypeOf<InvariantViolationException>().With.Message.Contains("step budget of 10000"),
        "the budget is used up");

    [Test]
    public void A_world_runs_until_nothing_is_left_to_do()
    {
        int count = 0;
        _world.MainContext.Post(
            async _ =>
            {
                await _world.MainContext.DelayAsync(5);
                count++;
            },
            null);
        _world.RunUntilIdle();
        Assert.That(count, Is.EqualTo(1), "the delay was waited for");
        Assert.That(_world.TryStep(), Is.False, "nothing is left");
        Assert.That(_world.MainContext.Poll(mayBlock: false), Is.False, "nor for a turn of the context");
    }
}
