using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;
using CsCheck;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins what a request costs, which buckets it meets, and that no window admits more than was promised.</summary>
[TestFixture]
public sealed class ThrottleStateTests
{
    private const long Second = 1_000_000_000;

    [TestCase(0, 64 * 512, 1)]
    [TestCase(4096, 0, 1)]
    [TestCase(4096, 512, 1)]
    [TestCase(4096, 4096, 1)]
    [TestCase(4096, 6144, 1.5)]
    [TestCase(13 * 512, 64 * 512, 64 / 13.0)]
    public void A_large_request_costs_several_operations(long iopsSizeBytes, long bytes, double operations)
    {
        ThrottleState state = new(ThrottleConfig.Unlimited with { IopsTotal = new ThrottleLimits(100), IopsSizeBytes = iopsSizeBytes });

        Assert.That(state.Config.CostInOperations(bytes), Is.EqualTo(operations));
    }

    [Test]
    public void A_request_is_charged_to_the_total_and_to_its_own_direction()
    {
        ThrottleLimits limits = new(1000);
        ThrottleState state = new(new ThrottleConfig { BpsTotal = limits, BpsRead = limits, BpsWrite = limits, IopsTotal = limits, IopsRead = limits, IopsWrite = limits });
        state.Charge(ThrottleDirection.Write, 7);

        Assert.That(Enum.GetValues<ThrottleMeter>().Select(meter => state[meter].Level), Is.EqualTo(new[] { 7.0, 0, 7, 1, 0, 1 }));
    }

    [Test]
    public void The_longest_wait_of_four_buckets_counts()
    {
        ThrottleState state = new(new ThrottleConfig { BpsTotal = new ThrottleLimits(100), IopsRead = new ThrottleLimits(2) });
        state.Charge(ThrottleDirection.Read, 20);

        Assert.Multiple(() =>
        {
            Assert.That(state.WaitNs(ThrottleDirection.Read), Is.EqualTo(400_000_000), "operations of reads: 0.8 over, at 2 a second");
            Assert.That(state.WaitNs(ThrottleDirection.Write), Is.EqualTo(100_000_000), "bytes in all: 10 over, at 100 a second");
        });
    }

    [Test]
    public void Time_begins_with_the_first_leak()
    {
        ThrottleState state = new(ThrottleConfig.Unlimited with { IopsTotal = new ThrottleLimits(10) });
        state.Leak(1000 * Second);
        state.Charge(ThrottleDirection.Read, 0);
        state.Leak((1000 * Second) + 50_000_000);

        Assert.That((state[ThrottleMeter.IopsTotal].Level, state.LastLeakNs), Is.EqualTo((0.5, (1000 * Second) + 50_000_000)));
    }

    [Test]
    public void An_instant_that_comes_late_leaks_nothing_twice()
    {
        ThrottleState state = new(ThrottleConfig.Unlimited with { IopsTotal = new ThrottleLimits(10) });
        state.Leak(0);
        state.Charge(ThrottleDirection.Read, 0);
        foreach (long nowNs in new long[] { 50_000_000, 20_000_000, 50_000_000 })
        {
            state.Leak(nowNs);
        }

        Assert.That(state[ThrottleMeter.IopsTotal].Level, Is.EqualTo(0.5));
    }

    [Test]
    public void A_negative_size_is_a_bug() =>
        Assert.That(() => new ThrottleState(ThrottleConfig.Unlimited).Charge(ThrottleDirection.Read, -1), Throws.InstanceOf<InvariantViolationException>());

    [Test]
    public void No_window_admits_more_than_capacity_and_rate_and_one_request()
    {
        Gen.Select(Gen.Long[1, 2000], Gen.Long[0, 3000], Gen.Select(Gen.Long[0, 300_000_000], Gen.Long[1, 500]).Array[1, 60]).Sample((rate, extra, steps) =>
        {
            ThrottleLimits limits = new(rate, extra == 0 ? 0 : rate + extra);
            ThrottleState state = new(ThrottleConfig.Unlimited with { BpsTotal = limits });
            double capacity = state[ThrottleMeter.BpsTotal].Capacity;
            List<(long AtNs, long Bytes)> admitted = [];
            long nowNs = 0;
            foreach ((long pauseNs, long bytes) in steps)
            {
                nowNs += pauseNs;
                state.Leak(nowNs);
                if (state.WaitNs(ThrottleDirection.Read) == 0)
                {
                    state.Charge(ThrottleDirection.Read, bytes);
                    admitted.Add((nowNs, bytes));
                }
            }

            return AllWindowsHold(admitted, capacity, rate);
        });
    }

    [Test]
    public void A_level_is_never_negative_and_never_rises_by_leaking()
    {
        Gen.Select(Gen.Long[1, ThrottleLimits.ValueMax], Gen.Double[0, 1e15], Gen.Long[-1, long.MaxValue / 2]).Sample((rate, units, elapsedNs) =>
        {
            LeakyBucket bucket = new(new ThrottleLimits(rate));
            bucket.Charge(units);
            bucket.Leak(elapsedNs);
            return bucket.Level >= 0 && bucket.Level <= units && bucket.WaitNs() is >= 0 and <= LeakyBucket.WaitMaxNs;
        });
    }

    [Test]
    public void Waiting_as_told_is_waiting_enough()
    {
        Gen.Select(Gen.Long[1, 1_000_000], Gen.Double[0, 1e7]).Sample((rate, units) =>
        {
            LeakyBucket bucket = new(new ThrottleLimits(rate));
            bucket.Charge(units);
            bucket.Leak(bucket.WaitNs() + 1);
            return bucket.WaitNs() <= 1;
        });
    }

    private static bool AllWindowsHold(List<(long AtNs, long Bytes)> admitted, double capacity, long rate)
    {
        for (int first = 0; first < admitted.Count; first++)
        {
            double sum = 0;
            for (int last = first; last < admitted.Count; last++)
            {
                sum += admitted[last].Bytes;
                double seconds = (admitted[last].AtNs - admitted[first].AtNs) / (double)Second;
                if (sum > capacity + (rate * seconds) + admitted[last].Bytes + 1e-3)
                {
                    return false;
                }
            }
        }

        return true;
    }
}
