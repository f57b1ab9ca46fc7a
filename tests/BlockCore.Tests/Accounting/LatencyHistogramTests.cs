using BlockGraph.BlockCore.Accounting;
using CsCheck;

namespace BlockGraph.BlockCore.Tests.Accounting;

[TestFixture]
public class LatencyHistogramTests
{
    [Test]
    public void An_empty_histogram_answers_zero()
    {
        LatencyHistogram histogram = new();
        Assert.That(histogram.Count, Is.Zero);
        Assert.That(histogram.MaxNs, Is.Zero);
        Assert.That(histogram.ValueAt(0.5), Is.Zero);
    }

    [Test]
    public void Short_durations_are_kept_exactly()
    {
        for (long ns = 0; ns < 64; ns++)
        {
            LatencyHistogram histogram = new();
            histogram.Record(ns);
            histogram.Record(1000);
            Assert.That(histogram.ValueAt(0.5), Is.EqualTo(ns), "buckets up to here are a nanosecond wide");
        }
    }

    [Test]
    public void Every_duration_is_kept_to_a_thirty_second_of_itself() =>
        Gen.Long[0, long.MaxValue - 1].Sample(ns =>
        {
            LatencyHistogram histogram = new();
            histogram.Record(ns);
            histogram.Record(long.MaxValue);
            long value = histogram.ValueAt(0.5);
            return value >= ns && value - ns <= ns / 32;
        });

    [Test]
    public void Neighbours_of_powers_of_two_are_kept_to_a_thirty_second()
    {
        for (int power = 0; power < 63; power++)
        {
            for (long offset = -1; offset <= 1; offset++)
            {
                long ns = Math.Max(0, (1L << power) + offset);
                LatencyHistogram histogram = new();
                histogram.Record(ns);
                histogram.Record(long.MaxValue);
                Assert.That(histogram.ValueAt(0.5) - ns, Is.InRange(0, ns / 32), $"{ns} ns");
            }
        }
    }

    [Test]
    public void The_longest_is_exact_and_bounds_every_answer()
    {
        LatencyHistogram histogram = new();
        histogram.Record(1_000_003);
        Assert.That(histogram.MaxNs, Is.EqualTo(1_000_003));
        Assert.That(histogram.ValueAt(0), Is.EqualTo(1_000_003));
        Assert.That(histogram.ValueAt(1), Is.EqualTo(1_000_003));
    }

    [Test]
    public void Fractions_count_from_below()
    {
        LatencyHistogram histogram = new();
        for (int i = 1; i <= 1000; i++)
        {
            histogram.Record(i);
        }

        Assert.That(histogram.ValueAt(0.01), Is.EqualTo(10));
        Assert.That(histogram.ValueAt(0.5), Is.InRange(500, 516));
        Assert.That(histogram.ValueAt(0.999), Is.InRange(999, 1000));
        Assert.That(histogram.ValueAt(1), Is.EqualTo(1000));
    }

    [Test]
    public void Several_of_one_length_count_at_once()
    {
        LatencyHistogram histogram = new();
        histogram.Record(0, 99);
        histogram.Record(5);
        Assert.That(histogram.Count, Is.EqualTo(100));
        Assert.That(histogram.ValueAt(0.99), Is.Zero);
        Assert.That(histogram.ValueAt(0.999), Is.EqualTo(5));
    }

    [Test]
    public void A_negative_duration_counts_as_none()
    {
        LatencyHistogram histogram = new();
        histogram.Record(-5);
        Assert.That(histogram.Count, Is.EqualTo(1));
        Assert.That(histogram.ValueAt(1), Is.Zero);
    }

    [Test]
    public void Clearing_forgets_everything()
    {
        LatencyHistogram histogram = new();
        histogram.Record(7);
        histogram.Clear();
        Assert.That(histogram.Count, Is.Zero);
        Assert.That(histogram.MaxNs, Is.Zero);
        Assert.That(histogram.ValueAt(1), Is.Zero);
    }

    [TestCase(-0.1)]
    [TestCase(1.1)]
    public void A_fraction_outside_of_0_to_1_is_a_mistake(double fraction) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new LatencyHistogram().ValueAt(fraction));

    [Test]
    public void Recording_allocates_nothing()
    {
        LatencyHistogram histogram = new();
        histogram.Record(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (long ns = 1; ns < 1L << 40; ns *= 2)
        {
            histogram.Record(ns);
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }
}
