using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins the arithmetic of one bucket.</summary>
[TestFixture]
public sealed class LeakyBucketTests
{
    private const long Second = 1_000_000_000;
    private const double Slight = 1e-5;

    [Test]
    public void Leaks_its_rate_and_stops_at_empty()
    {
        LeakyBucket bucket = Filled(new ThrottleLimits(150), 1.5);

        double[] levels = new double[3];
        for (int step = 0; step < levels.Length; step++)
        {
            bucket.Leak(Second / 150);
            levels[step] = bucket.Level;
        }

        Assert.That(levels, Is.EqualTo(new[] { 0.5, 0, 0 }).Within(Slight));
    }

    [Test]
    public void Leaks_the_burst_rate_out_of_the_burst_level()
    {
        LeakyBucket bucket = Filled(new ThrottleLimits(10, 250, 2), 6);

        double[] levels = new double[3];
        for (int step = 0; step < levels.Length; step++)
        {
            bucket.Leak(10_000_000);
            levels[step] = bucket.BurstLevel;
        }

        Assert.That(levels, Is.EqualTo(new[] { 3.5, 1, 0 }).Within(Slight));
    }

    [Test]
    public void A_burst_of_one_second_has_no_burst_level() =>
        Assert.That(Filled(new ThrottleLimits(10, 250), 6).BurstLevel, Is.Zero);

    [TestCase(0)]
    [TestCase(-5)]
    public void Time_that_does_not_pass_leaks_nothing(long elapsedNs)
    {
        LeakyBucket bucket = Filled(new ThrottleLimits(150), 1.5);
        bucket.Leak(elapsedNs);

        Assert.That(bucket.Level, Is.EqualTo(1.5));
    }

    [TestCase(3, 0, 1, 0.3)]
    [TestCase(100, 0, 1, 10)]
    [TestCase(10, 20, 1, 20)]
    [TestCase(10, 100, 2, 200)]
    [TestCase(1, 500_000_000_000_000, 2, 1e15)]
    public void Holds_a_tenth_of_a_second_or_the_whole_burst(long rate, long burst, long lengthSeconds, double capacity) =>
        Assert.That(new LeakyBucket(new ThrottleLimits(rate, burst, lengthSeconds)).Capacity, Is.EqualTo(capacity));

    [TestCase(15, 0)]
    [TestCase(15.5, 3_333_333)]
    public void Waits_until_the_excess_has_leaked(double level, long waitNs) =>
        Assert.That(Filled(new ThrottleLimits(150, 15), level).WaitNs(), Is.EqualTo(waitNs));

    [Test]
    public void Waits_for_the_burst_level_where_the_level_allows_it() =>
        Assert.That(Filled(new ThrottleLimits(10, 100, 2), 11).WaitNs(), Is.EqualTo(10_000_000), "1 unit over 10, at 100 a second");

    [Test]
    public void Sustains_a_burst_until_it_is_used_up()
    {
        LeakyBucket bucket = new(new ThrottleLimits(10, 200, 2));
        long[] waits = new long[22];
        for (int step = 0; step < waits.Length; step++)
        {
            bucket.Charge(20);
            bucket.Leak(Second / 10);
            waits[step] = bucket.WaitNs();
        }

        Assert.Multiple(() =>
        {
            Assert.That(waits[..21], Is.All.Zero, "through step 21");
            Assert.That(bucket.Level, Is.EqualTo(418));
            Assert.That(waits[21], Is.EqualTo(1_800_000_000));
        });
    }

    [Test]
    public void A_wait_is_cut_to_the_maximum() =>
        Assert.That(Filled(new ThrottleLimits(1), 1e19).WaitNs(), Is.EqualTo(LeakyBucket.WaitMaxNs));

    [Test]
    public void A_fraction_of_a_nanosecond_is_no_wait() =>
        Assert.That(Filled(new ThrottleLimits(ThrottleLimits.ValueMax), 1e14 + 0.5).WaitNs(), Is.Zero);

    [Test]
    public void Without_a_rate_it_stays_empty_and_never_waits()
    {
        LeakyBucket bucket = Filled(ThrottleLimits.None, 1000);
        bucket.Leak(1);

        Assert.That((bucket.Level, bucket.WaitNs()), Is.EqualTo((0.0, 0L)));
    }

    [Test]
    public void A_negative_charge_is_a_bug() =>
        Assert.That(() => Filled(new ThrottleLimits(1), -1), Throws.InstanceOf<InvariantViolationException>());

    [TestCase(ThrottleChangePolicy.Scale, 5, 50)]
    [TestCase(ThrottleChangePolicy.Keep, 5, 5)]
    [TestCase(ThrottleChangePolicy.Reset, 5, 0)]
    public void A_higher_limit_takes_the_level_over_as_the_policy_says(ThrottleChangePolicy policy, double level, double expected) =>
        Assert.That(Filled(new ThrottleLimits(100), level).Changed(new ThrottleLimits(1000), policy).Level, Is.EqualTo(expected));

    [Test]
    public void A_higher_limit_leaves_debt_as_it_is() =>
        Assert.That(Filled(new ThrottleLimits(100), 13).Changed(new ThrottleLimits(1000), ThrottleChangePolicy.Scale).Level, Is.EqualTo(103));

    [TestCase(5, 0.5)]
    [TestCase(13, 1)]
    public void A_lower_limit_scales_the_level_and_forgives_debt(double level, double expected) =>
        Assert.That(Filled(new ThrottleLimits(100), level).Changed(new ThrottleLimits(10), ThrottleChangePolicy.Scale).Level, Is.EqualTo(expected));

    [Test]
    public void The_burst_level_scales_with_its_own_capacity() =>
        Assert.That(Filled(new ThrottleLimits(10, 100, 2), 5).Changed(new ThrottleLimits(10, 200, 2), ThrottleChangePolicy.Scale).BurstLevel, Is.EqualTo(10));

    [Test]
    public void The_burst_level_is_kept_where_levels_are() =>
        Assert.That(Filled(new ThrottleLimits(10, 100, 2), 5).Changed(new ThrottleLimits(10, 200, 2), ThrottleChangePolicy.Keep).BurstLevel, Is.EqualTo(5));

    [Test]
    public void A_limit_that_is_taken_away_leaves_an_empty_bucket() =>
        Assert.That(Filled(new ThrottleLimits(10), 5).Changed(ThrottleLimits.None, ThrottleChangePolicy.Keep).Level, Is.Zero);

    [Test]
    public void A_limit_that_is_new_starts_empty() =>
        Assert.That(new LeakyBucket(ThrottleLimits.None).Changed(new ThrottleLimits(10), ThrottleChangePolicy.Scale).Level, Is.Zero);

    private static LeakyBucket Filled(ThrottleLimits limits, double units)
    {
        LeakyBucket bucket = new(limits);
        bucket.Charge(units);
        return bucket;
    }
}
