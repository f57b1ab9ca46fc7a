using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>What an explanation promises is compared with what the buckets then do.</summary>
[TestFixture]
public sealed class ThrottleExplanationTests
{
    private const long NsPerSecond = 1_000_000_000;

    private static readonly (string Key, long Value)[][] s_configs =
    [
        [("iops-total", 100)],
        [("iops-total", 3)],
        [("iops-read", 1)],
        [("iops-total", 10), ("iops-total-max", 20)],
        [("iops-total", 10), ("iops-total-max", 100), ("iops-total-max-length", 2)],
        [("iops-read", 1000), ("iops-read-max", 5000), ("iops-read-max-length", 2)],
        [("iops-total", 500), ("iops-total-max", 500), ("iops-total-max-length", 3)],
        [("iops-total", 7), ("iops-total-max", 13), ("iops-total-max-length", 11)],
    ];

    public static IEnumerable<TestCaseData> Configs() =>
        s_configs.Select(values => new TestCaseData(ThrottleWorld.Limits(values)).SetArgDisplayNames(string.Join(',', values.Select(value => $"{value.Key}={value.Value}"))));

    [TestCaseSource(nameof(Configs))]
    public void So_many_requests_go_at_once(ThrottleConfig config)
    {
        ThrottleMeterExplanation meter = Meter(config);
        int promised = (int)meter.RequestsAtOnce(1);
        using ThrottleWorld world = new(config, memberCount: 1);
        world.SubmitMany(promised + 5, world.Members[0]);
        world.Run();
        Assert.That(world.AdmittedAtNs.Count(ns => ns == 0), Is.EqualTo(promised), "requests at the first instant");
    }

    [TestCaseSource(nameof(Configs))]
    public void A_load_goes_on_without_waiting_for_so_long(ThrottleConfig config)
    {
        ThrottleMeterExplanation meter = Meter(config);
        foreach (double factor in new[] { 1.0, 1.5, 3 })
        {
            long fastest = meter.HasCeiling ? meter.Limits.Burst : meter.Limits.Rate * 20;
            double rate = Math.Min(fastest, meter.Limits.Rate * factor);
            double promised = meter.SecondsAt(rate);
            double first = FirstWaitSeconds(config, meter, rate, double.IsInfinity(promised) ? 100 : (2 * promised) + (10 / rate));

            // The request that exceeds the capacity goes too, and the next one waits.
            Assert.That(first, double.IsInfinity(promised) ? Is.Positive.And.EqualTo(promised) : Is.InRange(promised - (2 / rate), promised + (2 / (rate - meter.Limits.Rate))), $"at {rate} a second");
        }
    }

    [TestCaseSource(nameof(Configs))]
    public void A_burst_lasts_so_long_at_its_full_rate(ThrottleConfig config)
    {
        ThrottleMeterExplanation meter = Meter(config);
        ThrottleLimits limits = meter.Limits;
        if (limits.Burst == 0)
        {
            Assert.That(meter.BurstSeconds, Is.Null, "no burst");
            return;
        }

        double formula = limits.Burst == limits.Rate ? double.PositiveInfinity : (double)limits.Burst * limits.BurstLengthSeconds / (limits.Burst - limits.Rate);
        Assert.That(meter.BurstSeconds, Is.EqualTo(formula), "M * L / (M - A)");
        if (!meter.HasCeiling || double.IsInfinity(formula))
        {
            return;
        }

        // Under a flood the ceiling's own slack goes first; the rest of the burst is over the sooner by what that was.
        LeakyBucket bucket = new(limits);
        double seconds = 0;
        while (bucket.Level <= bucket.Capacity)
        {
            long waitNs = bucket.WaitNs();
            bucket.Leak(waitNs);
            seconds += waitNs / (double)NsPerSecond;
            bucket.Charge(1);
        }

        double slack = meter.AtOnce / (limits.Burst - limits.Rate);
        Assert.That(seconds, Is.InRange(formula - slack - (2.0 / (limits.Burst - limits.Rate)), formula), "until the long-run rate begins");
    }

    [TestCaseSource(nameof(Configs))]
    public void A_full_bucket_is_empty_after_so_much_rest(ThrottleConfig config)
    {
        ThrottleMeterExplanation meter = Meter(config);
        LeakyBucket bucket = new(meter.Limits);
        bucket.Charge(meter.Capacity);
        long restNs = (long)(meter.RefillSeconds * NsPerSecond);
        bucket.Leak(restNs - (restNs / 100));
        Assert.That(bucket.Level, Is.Positive, "a hundredth sooner");
        bucket.Leak((restNs / 100) + 1);
        Assert.That(bucket.Level, Is.Zero.Within(1e-9), "then");
    }

    [TestCaseSource(nameof(Configs))]
    public void No_stretch_of_time_sees_more_than_is_promised(ThrottleConfig config)
    {
        ThrottleMeterExplanation meter = Meter(config);
        using ThrottleWorld world = new(config, memberCount: 1);
        world.SubmitMany((int)Math.Min(2000, (2 * meter.Capacity) + 50), world.Members[0]);
        world.Run();
        long[] instants = [.. world.AdmittedAtNs.Order()];
        foreach (double seconds in new[] { 0, 0.001, 0.1, 1, 2.5, 10 })
        {
            int end = 0;
            int most = 0;
            for (int first = 0; first < instants.Length; first++)
            {
                while (end < instants.Length && instants[end] - instants[first] <= seconds * NsPerSecond)
                {
                    end++;
                }

                most = Math.Max(most, end - first);
            }

            Assert.That(most, Is.LessThanOrEqualTo(meter.UnitsIn(seconds, 1)), $"in {seconds} s");
            Assert.That(most, Is.GreaterThanOrEqualTo(Math.Min(instants.Length, meter.UnitsIn(seconds, 1)) * 0.45), $"and nearly as many in {seconds} s");
        }
    }

    [TestCase(1000, 0, 1, 1048576, 1048.476)]
    [TestCase(1048576, 0, 1, 65536, 0)]
    [TestCase(1048576, 2097152, 2, 1048576, 0.4)]
    [TestCase(10, 0, 1, 2, 0.1)]
    public void One_request_holds_the_next_for_so_long(long rate, long burst, long length, long bytes, double seconds)
    {
        ThrottleConfig config = ThrottleWorld.Limits(("bps-total", rate), ("bps-total-max", burst), ("bps-total-max-length", length));
        Assert.That(Meter(config).DebtSeconds(bytes), Is.EqualTo(seconds).Within(1e-9), "the promise");
        using ThrottleWorld world = new(config, memberCount: 1);
        world.Submit(world.Members[0], bytes: bytes);
        world.Submit(world.Members[0], bytes: 1);
        world.Run();
        Assert.That(world.AdmittedAtNs[1], Is.EqualTo((long)(seconds * NsPerSecond)).Within(1), "the wait");
    }

    [Test]
    public void The_source_of_a_capacity_is_told()
    {
        Assert.That(Meter(ThrottleWorld.Limits(("iops-total", 3))).CapacitySource, Is.EqualTo(ThrottleCapacitySource.RateWindow));
        Assert.That(Meter(ThrottleWorld.Limits(("iops-total", 3), ("iops-total-max", 5))).CapacitySource, Is.EqualTo(ThrottleCapacitySource.Pool));
        Assert.That(Meter(ThrottleWorld.Limits(("iops-total", 3), ("iops-total-max", 5), ("iops-total-max-length", 2))).CapacitySource, Is.EqualTo(ThrottleCapacitySource.Burst));
    }

    [Test]
    public void The_meters_that_bind_a_direction_are_its_own_and_the_totals()
    {
        ThrottleExplanation explanation = ThrottleExplanation.Of(ThrottleWorld.Limits(("bps-total", 1), ("iops-read", 2), ("iops-write", 3)));
        Assert.That(explanation.Meters.Select(meter => meter.Key), Is.EqualTo(new[] { "bps-total", "iops-read", "iops-write" }), "all");
        Assert.That(explanation.Binding(ThrottleDirection.Read).Select(meter => meter.Key), Is.EqualTo(new[] { "bps-total", "iops-read" }), "reads");
        Assert.That(explanation.Binding(ThrottleDirection.Write).Select(meter => meter.Key), Is.EqualTo(new[] { "bps-total", "iops-write" }), "writes");
    }

    [TestCase(102400, 100, 0, 512, 1024, 8192)]
    [TestCase(102400, 100, 4096, 512, 1024, 8192)]
    [TestCase(1024000, 100, 4096, 512, null, 65536)]
    public void The_size_where_bytes_begin_to_bind_is_where_they_do(long bps, long iops, long iopsSize, long small, long? crossover, long large)
    {
        ThrottleConfig config = ThrottleWorld.Limits(("bps-total", bps), ("iops-total", iops), ("iops-size", iopsSize));
        Assert.That(ThrottleExplanation.Of(config).CrossoverBytes(ThrottleDirection.Read), Is.EqualTo(crossover), "the promise");
        Assert.That(IsBoundByBytes(config, small), Is.False, $"requests of {small} bytes");
        Assert.That(IsBoundByBytes(config, large), Is.EqualTo(crossover is not null), $"requests of {large} bytes");
    }

    [TestCase("iops-total=100,iops-total-max=200", ThrottleNoteKind.Pool, true)]
    [TestCase("iops-total=100,iops-total-max=200,iops-total-max-length=2", ThrottleNoteKind.Pool, false)]
    [TestCase("iops-total=100,iops-total-max=100", ThrottleNoteKind.EndlessBurst, true)]
    [TestCase("iops-total=100", ThrottleNoteKind.RequestSizeIgnored, true)]
    [TestCase("iops-total=100,iops-size=4096", ThrottleNoteKind.RequestSizeIgnored, false)]
    [TestCase("iops-total=100,bps-total=1000000", ThrottleNoteKind.RequestSizeIgnored, false)]
    [TestCase("iops-total=100", ThrottleNoteKind.SharedOvershoot, true)]
    [TestCase("iops-read=100", ThrottleNoteKind.SharedOvershoot, false)]
    [TestCase("iops-total=3", ThrottleNoteKind.SmallCapacity, true)]
    [TestCase("iops-total=10", ThrottleNoteKind.SmallCapacity, false)]
    [TestCase("bps-total=1000", ThrottleNoteKind.LargeDebt, true)]
    [TestCase("bps-total=104857600", ThrottleNoteKind.LargeDebt, false)]
    public void A_trap_is_told_where_there_is_one(string limits, ThrottleNoteKind kind, bool isTold)
    {
        (string, long)[] values = [.. limits.Split(',').Select(item => (item.Split('=')[0], long.Parse(item.Split('=')[1], System.Globalization.CultureInfo.InvariantCulture)))];
        Assert.That(ThrottleExplanation.Of(ThrottleWorld.Limits(values)).Notes.Any(note => note.Kind == kind), Is.EqualTo(isTold), limits);
    }

    [Test]
    public void Limits_that_are_not_valid_are_not_explained() =>
        Assert.That(() => ThrottleExplanation.Of(ThrottleWorld.Limits(("iops-total-max", 1))), Throws.TypeOf<BlockException>().With.Message.EqualTo("bps_max/iops_max require corresponding bps/iops values"));

    [Test]
    public void No_limits_need_no_explanation() => Assert.That(ThrottleExplanation.Of(ThrottleConfig.Unlimited).Meters, Is.Empty);

    private static ThrottleMeterExplanation Meter(ThrottleConfig config) => ThrottleExplanation.Of(config).Meters.Single();

    // A request every 1/rate of a second on real buckets: when the first one has to wait.
    private static double FirstWaitSeconds(ThrottleConfig config, ThrottleMeterExplanation meter, double rate, double untilSeconds)
    {
        ThrottleDirection direction = meter.Meter == ThrottleMeter.IopsWrite ? ThrottleDirection.Write : ThrottleDirection.Read;
        ThrottleState state = new(config);
        for (long number = 0; number / rate < untilSeconds; number++)
        {
            state.Leak((long)(number / rate * NsPerSecond));
            if (state.WaitNs(direction) > 0)
            {
                return number / rate;
            }

            state.Charge(direction, 512);
        }

        return double.PositiveInfinity;
    }

    // In a long queue: whether the bytes bucket is the one that makes the next request wait longest.
    private static bool IsBoundByBytes(ThrottleConfig config, long bytes)
    {
        ThrottleState state = new(config);
        long nowNs = 0;
        for (int number = 0; number < 5000; number++)
        {
            state.Leak(nowNs);
            nowNs += state.WaitNs(ThrottleDirection.Read);
            state.Leak(nowNs);
            state.Charge(ThrottleDirection.Read, bytes);
        }

        return state[ThrottleMeter.BpsTotal].WaitNs() > state[ThrottleMeter.IopsTotal].WaitNs();
    }
}
