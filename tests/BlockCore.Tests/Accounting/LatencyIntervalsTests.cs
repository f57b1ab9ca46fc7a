using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Tests.Accounting;

/// <summary>Latencies of the last interval: two windows, half of it apart, of which the older one answers.</summary>
[TestFixture]
public sealed class LatencyIntervalsTests
{
    private const long Start = 1_000_000;

    [Test]
    public void An_interval_that_has_seen_nothing_says_zero() =>
        Assert.That(new LatencyIntervals(1, [100], Start).Read(0, Start + 10), Is.EqualTo(new[] { new LatencySummary(100, 0, 0, 0, 0, 0) }), "nothing");

    [Test]
    public void Shortest_longest_average_and_queue_depth_are_of_what_was_recorded()
    {
        LatencyIntervals intervals = new(2, [1000], Start);
        intervals.Record(1, 30, Start + 40);
        intervals.Record(1, 10, Start + 40);
        intervals.Record(1, 50, Start + 60);
        Assert.That(intervals.Read(1, Start + 60), Is.EqualTo(new[] { new LatencySummary(1000, 3, 10, 50, 30, 90.0 / 60) }), "three requests in sixty nanoseconds, ninety in flight");
        Assert.That(intervals.Read(0, Start + 60)[0].Count, Is.Zero, "kinds are apart");
    }

    [Test]
    public void The_answer_covers_between_half_an_interval_and_a_whole_one()
    {
        LatencyIntervals intervals = new(1, [100], Start);
        for (int at = 0; at < 1000; at++)
        {
            // Each latency says when it was.
            intervals.Record(0, at, Start + at);
            LatencySummary summary = intervals.Read(0, Start + at)[0];
            Assert.That(summary.MaxNs, Is.EqualTo(at), "the present one is in it");
            Assert.That(summary.Count, Is.EqualTo(at - summary.MinNs + 1), "and everything since the first");
            Assert.That(summary.Count, at < 49 ? Is.EqualTo(at + 1) : Is.InRange(50, 100), $"after {at} ns");
        }
    }

    [TestCase(149, 1)]
    [TestCase(150, 0)]
    [TestCase(1_000_000_007, 0)]
    public void What_is_older_is_forgotten(long laterNs, long count)
    {
        LatencyIntervals intervals = new(1, [100], Start);
        intervals.Record(0, 5, Start + 60);
        Assert.That(intervals.Read(0, Start + 100)[0].Count, Is.EqualTo(1), "it is in the window that began at 50 as well");
        Assert.That(intervals.Read(0, Start + laterNs)[0].Count, Is.EqualTo(count), "and no longer when that has ended");
    }

    [Test]
    public void Several_intervals_run_at_once()
    {
        LatencyIntervals intervals = new(1, [10, 1000], Start);
        intervals.Record(0, 1, Start);
        intervals.Record(0, 9, Start + 500);
        Assert.That(intervals.Read(0, Start + 501).Select(s => (s.IntervalNs, s.Count)), Is.EqualTo(new[] { (10L, 1L), (1000L, 2L) }), "the long one remembers the first");
        Assert.That(intervals.Read(0, Start + 520).Select(s => s.Count), Is.EqualTo(new[] { 0L, 2L }), "the short one has forgotten both");
    }

    [Test]
    public void An_instant_that_another_context_saw_earlier_does_no_harm()
    {
        LatencyIntervals intervals = new(1, [100], Start);
        intervals.Record(0, 7, Start + 230);
        intervals.Record(0, 3, Start + 190);
        Assert.That(intervals.Read(0, Start + 190)[0], Is.EqualTo(new LatencySummary(100, 2, 3, 7, 5, 0.25)), "counted in what is open now");
    }

    [TestCase(0)]
    [TestCase(-5)]
    public void A_length_must_be_positive(long lengthNs) =>
        Assert.That(() => new LatencyIntervals(1, [100, lengthNs], Start), Throws.TypeOf<BlockException>().With.Message.EqualTo($"Invalid interval length: {lengthNs}"), "the text");

    [Test]
    public void An_odd_length_is_as_good() =>
        Assert.That(() => new LatencyIntervals(1, [1], Start).Read(0, Start + 5), Throws.Nothing, "one nanosecond");
}
