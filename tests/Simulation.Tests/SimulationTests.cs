using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests;

/// <summary>The simulator itself: one seed decides everything, and the same everywhere.</summary>
[TestFixture]
public sealed class SimulationTests
{
    [TestCase(0, 2486800139567765288UL)]
    [TestCase(1, 10814816303156313249UL)]
    [TestCase(2, 17118162351240751686UL)]
    [TestCase(12345, 12504945225602540739UL)]
    [TestCase(-7, 3369901458679481224UL)]
    public void A_seed_gives_the_hash_that_it_gave_when_this_was_written(int seed, ulong hash) =>
        Assert.That(SimulationSample.Run(seed), Is.EqualTo(hash), "a change here changes what every recorded seed means");

    [Test]
    public void A_seed_gives_the_same_hash_again()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            ulong late = SimulationSample.Run(seed);
            ulong exact = SimulationSample.Run(seed, hasExactTime: true);
            Assert.That(SimulationSample.Run(seed), Is.EqualTo(late), $"seed {seed}");
            Assert.That(SimulationSample.Run(seed, hasExactTime: true), Is.EqualTo(exact), $"seed {seed} in exact time");
        }
    }

    [Test]
    public void Seeds_differ() =>
        Assert.That(Enumerable.Range(0, 50).Select(seed => SimulationSample.Run(seed)), Is.Unique, "fifty seeds, fifty runs");

    [Test]
    public void A_seed_decides_the_order_of_what_is_ready()
    {
        HashSet<string> orders = [];
        for (int seed = 0; seed < 40; seed++)
        {
            using TestKit.Simulation world = new(new SimulationOptions { Seed = seed, HasExactTime = true });
            string order = "";
            world.Run(() => Task.WhenAll(Enumerable.Range(0, 3).Select(async i =>
            {
                await world.MainContext.YieldAsync();
                order += i;
            })));
            orders.Add(order);
        }

        Assert.That(orders, Is.EquivalentTo(new[] { "012", "021", "102", "120", "201", "210" }), "every order comes up");
    }

    [Test]
    public void A_timer_fires_late_within_the_bound_and_never_early()
    {
        const long lateNsMax = 1000;
        List<long> lateness = [];
        for (int seed = 0; seed < 200; seed++)
        {
            using TestKit.Simulation world = new(new SimulationOptions { Seed = seed, LatenessNsMax = lateNsMax });
            world.Run(async () =>
            {
                await world.MainContext.DelayAsync(5000);
                lateness.Add(world.NowNs - 5000);
            });
        }

        Assert.That(lateness, Has.All.InRange(0, lateNsMax), "bounds");
        Assert.That(lateness.Max() - lateness.Min(), Is.GreaterThan(lateNsMax / 2), "the bounds are used");
    }

    [Test]
    public void In_exact_time_a_timer_fires_on_time_under_every_seed()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            using TestKit.Simulation world = new(new SimulationOptions { Seed = seed, HasExactTime = true });
            world.Run(async () => await world.MainContext.DelayAsync(490_000_000));
            Assert.That(world.NowNs, Is.EqualTo(490_000_000), $"seed {seed}");
        }
    }

    [Test]
    public void A_context_of_a_simulation_is_its_own_kind()
    {
        using TestKit.Simulation world = new(1);
        Assert.That(world.CreateContext("x"), Is.TypeOf<SimulatedAioContext>(), "and code on it cannot tell");
        Assert.That(world.MainContext, Is.InstanceOf<AioContext>(), "but by its type");
    }
}
