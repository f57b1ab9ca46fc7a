using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Images;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Images;

/// <summary>Conversions of random images with random options while requests complete in any order: what comes out reads as what went in.</summary>
[TestFixture]
public sealed class ImageConversionStormTests
{
    private const int Length = 1_500_000;

    [Test]
    public void Whatever_the_order_of_completions_the_content_is_equal([Range(0, 39)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, drivers: [new RawDriver()]);
        fixture.Run(async () =>
        {
            SeededRandom chance = fixture.World.Chance;
            bool isCowTarget = chance.OneIn(2);
            CowImage.Format(fixture.Memory.Storage("a"), new CowImageOptions(Length) { ClusterBytes = 512 << chance.Next(8) });
            CowImage.Format(fixture.Memory.Storage("b"), new CowImageOptions(Length) { ClusterBytes = 512 << chance.Next(8) });
            fixture.Memory.Storage("c").Replace(new byte[Length]);
            await using (BlockBackend filled = await fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=a"))
            {
                await FillAsync(filled, chance);
            }

            string late = $",file.latency-ns-max={1 + chance.Next(1_000_000)},file.zeroes={(chance.OneIn(2) ? "on" : "off")}";
            await using BlockBackend source = await fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=a" + late, new BackendOptions { ReadOnly = true });
            await using BlockBackend target = await fixture.OpenAsync($"driver={(isCowTarget ? "cow,file.driver=memory,file.filename=b" : "raw,file.driver=memory,file.filename=c")}{late}");
            ImageConversionOptions options = new()
            {
                RequestCount = 1 + chance.Next(12),
                WritesOutOfOrder = chance.OneIn(2),
                TargetIsNew = chance.OneIn(2),
                SparseBytesMin = chance.OneIn(4) ? 0 : 512L << chance.Next(6),
                MoreContexts = [.. new[] { "one", "two", "three" }.Take((int)chance.Next(4)).Select(fixture.ContextOf)],
            };
            ImageConversionResult result = await ImageConversion.RunAsync([source], target, options);
            byte[] expected = new byte[Length];
            byte[] actual = new byte[Length];
            await source.ReadAsync(0, expected);
            await target.ReadAsync(0, actual);
            Assert.That(actual.AsSpan().CommonPrefixLength(expected), Is.EqualTo(Length), $"seed {seed}, {options}: the first difference");
            Assert.That(result.DataBytes + result.ZeroBytes, Is.EqualTo(Length), $"seed {seed}: every byte was one or the other");
            Assert.That((await ImageComparison.RunAsync(source, target)).IsEqual, Is.True, $"seed {seed}: they compare equal");
        });
    }

    private static async Task FillAsync(BlockBackend backend, SeededRandom chance)
    {
        for (int i = 0; i < 20; i++)
        {
            byte[] bytes = new byte[1 + chance.Next(60_000)];
            bytes.AsSpan().Fill(chance.OneIn(3) ? (byte)0 : (byte)(i + 1));
            await backend.WriteAsync(chance.Next(Length - bytes.Length), bytes);
        }
    }
}
