using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Images;

namespace BlockGraph.BlockCore.Tests.Images;

/// <summary>What is where in an image, in extents as long as they can be.</summary>
[TestFixture]
public sealed class ImageMapTests : ImageTests
{
    // cow a -> memory base, which is shorter
    [Test]
    public void Extents_tell_the_layer_and_the_place() => Fixture.Run(async () =>
    {
        Put("base", Pattern(5 * Cluster));
        await PutCowAsync("a", 10, [2, 3, 8], "memory:base");
        await using BlockBackend image = await OpenSourceAsync("a", "cow");
        List<ImageExtent> map = await ReadAsync(image);
        Assert.That(
            map.Select(extent => (extent.OffsetBytes / Cluster, extent.LengthBytes / Cluster, extent.Depth, extent.IsPresent, extent.IsZero, extent.IsData)),
            Is.EqualTo(new[]
            {
                (0L, 2L, 1, true, false, true), (2, 2, 0, true, false, true), (4, 1, 1, true, false, true), (5, 3, 0, false, true, false), (8, 1, 0, true, false, true), (9, 1, 0, false, true, false),
            }),
            "two clusters that follow one another are one extent");
        Assert.That(map[0].HostOffsetBytes, Is.Zero, "in the base at the same place");
        Assert.That(map[1].HostOffsetBytes, Is.Not.Null.And.Not.EqualTo(2L * Cluster), "in the overlay's file somewhere");
        Assert.That(map[3].HostOffsetBytes, Is.Null, "behind the base's end nowhere");
    });

    [TestCase(0, null, 0, 10)]
    [TestCase(3, null, 3, 7)]
    [TestCase(3, 2L, 3, 2)]
    [TestCase(3, 100L, 3, 7)]
    public void A_range_can_be_asked_for(int start, long? length, long first, long total) => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 10, [2, 3, 8]);
        await using BlockBackend image = await OpenSourceAsync("a", "cow");
        List<ImageExtent> map = [];
        await foreach (ImageExtent extent in ImageMap.ReadAsync(image, (long)start * Cluster, length * Cluster))
        {
            map.Add(extent);
        }

        Assert.That((map[0].OffsetBytes, map.Sum(extent => extent.LengthBytes)), Is.EqualTo((first * Cluster, total * Cluster)), "the range");
        Assert.That(map.Zip(map.Skip(1)).All(pair => pair.First.EndBytes == pair.Second.OffsetBytes), Is.True, "without gaps");
    });

    [Test]
    public void Behind_the_end_there_is_nothing() => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 10, []);
        await using BlockBackend image = await OpenSourceAsync("a", "cow");
        await foreach (ImageExtent extent in ImageMap.ReadAsync(image, 11 * Cluster))
        {
            Assert.Fail($"{extent} is behind the end");
        }
    });

    private static async Task<List<ImageExtent>> ReadAsync(BlockBackend image)
    {
        List<ImageExtent> map = [];
        await foreach (ImageExtent extent in ImageMap.ReadAsync(image))
        {
            map.Add(extent);
        }

        return map;
    }
}
