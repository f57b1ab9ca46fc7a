using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Images;

/// <summary>Two images are held against each other: what they read as, and, where that counts, what they are made of.</summary>
[TestFixture]
public sealed class ImageComparisonTests : ImageTests
{
    private static readonly ImageComparisonOptions s_strict = new() { IsStrict = true };

    [TestCase(0, 0)]
    [TestCase(511, 0)]
    [TestCase(512, 512)]
    [TestCase(300_000, 299_520)]
    [TestCase(999_999, 999_936)]
    public void The_first_sector_that_differs_is_told(int at, long sector) => Fixture.Run(async () =>
    {
        byte[] bytes = Pattern(1_000_000);
        Put("a", bytes);
        bytes[at]++;
        Put("b", bytes);
        await using BlockBackend first = await OpenSourceAsync("a");
        await using BlockBackend second = await OpenSourceAsync("b");
        Assert.That(await ImageComparison.RunAsync(first, second), Is.EqualTo(new ImageComparisonResult(ImageDifference.Content, sector, false)), "the difference");
        Assert.That(await ImageComparison.RunAsync(second, second), Is.EqualTo(new ImageComparisonResult(ImageDifference.None, 0, false)), "an image is as itself");
    });

    [Test]
    public void What_both_know_to_be_zeros_is_not_read_and_what_one_does_is_looked_for() => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 100, [3]);
        await PutCowAsync("b", 100, [3, 50]);
        await using BlockBackend first = await OpenSourceAsync("a", "cow");
        await using BlockBackend second = await OpenSourceAsync("b", "cow");
        Fixture.Memory.Storage("a").Log.Clear();
        Assert.That(await ImageComparison.RunAsync(first, second), Is.EqualTo(new ImageComparisonResult(ImageDifference.Content, 50 * Cluster, false)), "zeros here, data there");
        Assert.That(Requests("a", RequestKind.Read).Sum(request => request.Length), Is.EqualTo(Cluster), "one cluster was read");
    });

    // a: 100 clusters     b: 120 clusters
    [Test]
    public void The_rest_of_a_longer_image_must_be_zeros([Values] bool hasRest) => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 100, [3]);
        await PutCowAsync("b", 120, hasRest ? [3, 110] : [3]);
        await using BlockBackend first = await OpenSourceAsync("a", "cow");
        await using BlockBackend second = await OpenSourceAsync("b", "cow");
        ImageComparisonResult expected = hasRest ? new(ImageDifference.Content, 110 * Cluster, true) : new(ImageDifference.None, 0, true);
        Assert.That(await ImageComparison.RunAsync(first, second), Is.EqualTo(expected), "the shorter one first");
        Assert.That(await ImageComparison.RunAsync(second, first), Is.EqualTo(expected), "the longer one first");
        Assert.That((await ImageComparison.RunAsync(first, second, s_strict)).Difference, Is.EqualTo(ImageDifference.Length), "strictly");
    });

    // The same zeros: not allocated here, a cluster of them there.
    [Test]
    public void Strictly_what_is_allocated_must_agree() => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 100, [3]);
        await PutCowAsync("b", 100, [3]);
        await using (BlockBackend filled = await OpenTargetAsync("b", "cow"))
        {
            await filled.WriteAsync(7 * Cluster, new byte[Cluster]);
        }

        await using BlockBackend first = await OpenSourceAsync("a", "cow");
        await using BlockBackend second = await OpenSourceAsync("b", "cow");
        Assert.That((await ImageComparison.RunAsync(first, second)).IsEqual, Is.True, "they read the same");
        Assert.That(await ImageComparison.RunAsync(first, second, s_strict), Is.EqualTo(new ImageComparisonResult(ImageDifference.Allocation, 7 * Cluster, false)), "strictly");
    });

    [TestCase(StorageCall.Read, "Error while reading offset 0 of ")]
    [TestCase(StorageCall.GetStatus, ImageComparison.StatusFailureText + " for ")]
    public void A_failure_says_of_what_and_leaves_nothing_under_way(StorageCall call, string message) => Fixture.Run(async () =>
    {
        Put("a", Pattern(1 << 20));
        Put("b", Pattern(1 << 20));
        foreach (string failing in new[] { "a", "b" })
        {
            await using BlockBackend first = await OpenSourceAsync("a", "faulty", ",latency-ns-max=1000");
            await using BlockBackend second = await OpenSourceAsync("b", "faulty", ",latency-ns-max=1000");
            Fixture.Faulty.Disk(failing).FailNth(1, call);
            Assert.That((await Failure.OfAsync(() => ImageComparison.RunAsync(first, second))).Message, Does.StartWith(message), $"{failing} fails");
            Assert.That((first.InFlightCount, second.InFlightCount), Is.EqualTo((0, 0)), $"{failing} fails: nothing is under way");
        }
    });

    [Test]
    public void Cancelled_at_any_step_it_ends() => Fixture.Run(async () =>
    {
        Put("a", Pattern(8 << 20));
        for (int at = 1; at <= 4; at++)
        {
            await using BlockBackend first = await OpenSourceAsync("a", options: ",latency-ns-max=1000");
            using CancellationTokenSource cancel = new();
            Reports reports = new(at, cancel.Cancel);
            await Failure.OfAsync<OperationCanceledException>(() => ImageComparison.RunAsync(first, first, null, reports, cancel.Token));
            Assert.That(reports.All, Has.Count.EqualTo(at), $"step {at}: nothing more was done");
            Assert.That(first.InFlightCount, Is.Zero, $"step {at}: nothing is under way");
        }
    });
}
