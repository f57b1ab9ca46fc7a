using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>Timers fire in order of their instants, and of arming where the instants agree.</summary>
[TestFixture]
public sealed class TimerTests
{
    private FakeTimeProvider _clock = null!;
    private PolledAioContext _context = null!;
    private List<string> _fired = null!;

    [SetUp]
    public void SetUp()
    {
        _clock = new FakeTimeProvider();
        _context = new PolledAioContext("test", _clock);
        _fired = [];
    }

    [TearDown]
    public void TearDown() => _context.Dispose();

    [Test]
    public void The_soonest_fires_first_and_ties_fire_in_order_of_arming()
    {
        AtHome(() =>
        {
            Arm("late", 300);
            Arm("tie 1", 200);
            Arm("early", 100);
            Arm("tie 2", 200);
        });
        Advance(300);
        Assert.That(_fired, Is.EqualTo(new[] { "early", "tie 1", "tie 2", "late" }), "the order");
    }

    [Test]
    public void Nothing_fires_before_its_instant()
    {
        AtHome(() => Arm("timer", 200));
        Advance(100);
        Assert.That(_fired, Is.Empty, "a tick too early");
        Advance(100);
        Assert.That(_fired, Is.EqualTo(new[] { "timer" }), "at its instant");
        Assert.That(_context.NextDeadlineNs, Is.Null, "it fires once");
    }

    [Test]
    public void Arming_again_replaces_the_instant()
    {
        CallbackTimer timer = new(() => _fired.Add("timer"));
        AtHome(() =>
        {
            _context.Arm(timer, _context.NowNs + 100);
            _context.Arm(timer, _context.NowNs + 500);
        });
        Advance(400);
        Assert.That(_fired, Is.Empty, "the first instant means nothing any more");
        Assert.That(timer.IsArmed, Is.True, "still to come");
        Advance(100);
        Assert.That(_fired, Has.Count.EqualTo(1), "once, at the second");
        Assert.That(timer.IsArmed, Is.False, "spent");
    }

    [Test]
    public void A_disarmed_timer_does_not_fire_and_disarming_twice_is_nothing()
    {
        CallbackTimer timer = new(() => _fired.Add("timer"));
        AtHome(() =>
        {
            _context.Arm(timer, _context.NowNs + 100);
            _context.Disarm(timer);
            _context.Disarm(timer);
        });
        Advance(1000);
        Assert.That(_fired, Is.Empty, "fired");
        Assert.That(timer.IsArmed, Is.False, "armed");
    }

    [Test]
    public void A_timer_may_arm_itself_again_from_its_own_run()
    {
        CallbackTimer timer = null!;
        timer = new CallbackTimer(() =>
        {
            _fired.Add("tick");
            _context.Arm(timer, _context.NowNs + 100);
        });
        AtHome(() => _context.Arm(timer, _context.NowNs + 100));
        for (int i = 1; i <= 3; i++)
        {
            Advance(100);
            Assert.That(_fired, Has.Count.EqualTo(i), "one tick a period");
        }
    }

    [Test]
    public void The_next_deadline_is_that_of_the_soonest()
    {
        long now = 0;
        AtHome(() =>
        {
            now = _context.NowNs;
            Assert.That(_context.NextDeadlineNs, Is.Null, "none armed");
            Arm("b", 700);
            Arm("a", 300);
        });
        Assert.That(_context.NextDeadlineNs, Is.EqualTo(now + 300), "the soonest");
    }

    [Test]
    public void The_heap_agrees_with_a_sorted_list()
    {
        Gen<(int Kind, int Timer, long Due)[]> steps = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 15], Gen.Long[0, 20]).Array[0, 80];
        steps.Sample(
            commands =>
            {
                TimerHeap heap = new();
                AioTimer[] timers = [.. Enumerable.Range(0, 16).Select(_ => new CallbackTimer(() => { }))];
                List<(long Due, long Sequence, AioTimer Timer)> model = [];
                long sequence = 0;
                foreach ((int kind, int index, long due) in commands)
                {
                    AioTimer timer = timers[index];
                    bool isArmed = model.Exists(m => m.Timer == timer);
                    if (kind == 0 && model.Count > 0)
                    {
                        AioTimer first = heap.First;
                        heap.Remove(first);
                        model.Sort((a, b) => (a.Due, a.Sequence).CompareTo((b.Due, b.Sequence)));
                        if (!ReferenceEquals(model[0].Timer, first))
                        {
                            return false;
                        }

                        model.RemoveAt(0);
                    }
                    else if (kind == 1 && isArmed)
                    {
                        heap.Remove(timer);
                        model.RemoveAll(m => m.Timer == timer);
                    }
                    else if (!isArmed)
                    {
                        heap.Add(timer, due);
                        model.Add((due, sequence++, timer));
                    }
                }

                return heap.Count == model.Count && Array.TrueForAll(timers, t => t.IsArmed == model.Exists(m => m.Timer == t));
            },
            iter: 2000,
            seed: "0000000000001");
    }

    [Test]
    public void The_time_provider_of_a_context_is_its_clock()
    {
        using Simulation world = new(new SimulationOptions { HasExactTime = true });
        TimeProvider time = world.MainContext.TimeProvider;
        List<long> ticks = [];
        world.Run(async () =>
        {
            using ITimer timer = time.CreateTimer(_ => ticks.Add(world.NowNs), null, TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(10));
            await world.MainContext.DelayAsync(40_000_000);
            Assert.That(ticks, Is.EqualTo(new[] { 5_000_000L, 15_000_000, 25_000_000, 35_000_000 }), "the instants");
            Assert.That(time.GetTimestamp(), Is.EqualTo(40_000_000), "nanoseconds");
            Assert.That(time.GetUtcNow(), Is.EqualTo(DateTimeOffset.UnixEpoch.AddMilliseconds(40)), "the time of day is virtual as well");
            Assert.That(timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan), Is.True, "changed");
            await world.MainContext.DelayAsync(40_000_000);
            Assert.That(ticks, Has.Count.EqualTo(4), "stopped");
        });
    }

    [Test]
    public void The_time_provider_of_a_real_context_has_its_clocks_time_of_day()
    {
        _clock.SetUtcNow(new DateTimeOffset(2031, 5, 6, 7, 8, 9, TimeSpan.Zero));
        Assert.That(_context.TimeProvider.GetUtcNow(), Is.EqualTo(_clock.GetUtcNow()), "the time of day");
    }

    [Test]
    public void A_timer_of_the_time_provider_may_be_changed_from_another_thread()
    {
        using ITimer timer = _context.TimeProvider.CreateTimer(_ => _fired.Add("timer"), null, TimeSpan.FromTicks(1), Timeout.InfiniteTimeSpan);
        OtherThread.Run(() => timer.Change(TimeSpan.FromTicks(3), Timeout.InfiniteTimeSpan));
        AtHome(() => { });
        Advance(200);
        Assert.That(_fired, Is.Empty, "the first instant was replaced");
        Advance(100);
        Assert.That(_fired, Has.Count.EqualTo(1), "fired at the second");
    }

    private void Arm(string name, long delayNs) => _context.Arm(new CallbackTimer(() => _fired.Add(name)), _context.NowNs + delayNs);

    private void AtHome(Action action)
    {
        _context.Post(_ => action(), null);
        Pump();
    }

    private void Advance(long nanoseconds)
    {
        _clock.Advance(TimeSpan.FromTicks(nanoseconds / 100));
        Pump();
    }

    private void Pump()
    {
        while (_context.Poll(mayBlock: false))
        {
        }
    }
}
