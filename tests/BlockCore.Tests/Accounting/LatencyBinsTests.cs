using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Tests.Accounting;

/// <summary>Durations in bins between boundaries that a user chose.</summary>
[TestFixture]
public sealed class LatencyBinsTests
{
    [TestCase(0, 0)]
    [TestCase(9, 0)]
    [TestCase(10, 1)]
    [TestCase(49, 1)]
    [TestCase(50, 2)]
    [TestCase(99, 2)]
    [TestCase(100, 3)]
    [TestCase(long.MaxValue, 3)]
    public void A_boundary_belongs_to_the_bin_above_it(long durationNs, int bin)
    {
        LatencyBins bins = new(10, 50, 100);
        bins.Record(durationNs);
        Assert.That(bins.Counts, Is.EqualTo(Enumerable.Range(0, 4).Select(i => i == bin ? 1L : 0L)), $"{durationNs} ns");
    }

    [TestCase(0L)]
    [TestCase(-1L, 5L)]
    [TestCase(10L, 20L, 15L)]
    [TestCase(10L, 10L)]
    public void Boundaries_must_be_positive_and_rise(params long[] boundariesNs) =>
        Assert.That(() => new LatencyBins(boundariesNs), Throws.TypeOf<BlockException>().With.Message.EqualTo("Latency boundaries must be positive and rise strictly"), "the text");

    [Test]
    public void Bins_with_the_same_boundaries_add_up()
    {
        LatencyBins sum = new(10);
        LatencyBins other = sum.CloneEmpty();
        sum.Record(5);
        other.Record(5);
        other.Record(15);
        sum.Add(other);
        Assert.That((sum.BoundariesNs, sum.Counts), Is.EqualTo((new[] { 10L }, new[] { 2L, 1L })), "together");
        Assert.That(() => sum.Add(new LatencyBins(11)), Throws.TypeOf<InvariantViolationException>(), "others do not");
    }
}
