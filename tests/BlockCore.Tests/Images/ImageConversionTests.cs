using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Images;

/// <summary>An image becomes another one: what is read, what is written, what is left out.</summary>
[TestFixture]
public sealed class ImageConversionTests : ImageTests
{
    private const int Chunk = 256 << 10;

    // memory a -> memory b
    [Test]
    public void Data_is_copied_and_runs_of_zeros_are_not() => Fixture.Run(async () =>
    {
        byte[] bytes = Pattern(1 << 20);
        bytes.AsSpan(8192, 4096).Clear();
        bytes.AsSpan(20480, 4095).Clear();
        bytes.AsSpan(Chunk - 4096, 8192).Clear();
        Put("a", bytes);
        await using BlockBackend source = await OpenSourceAsync("a");
        await using BlockBackend target = await OpenTargetAsync("b");
        ImageConversionResult result = await ImageConversion.RunAsync([source], target, new ImageConversionOptions { TargetIsNew = true });
        Assert.That(Fixture.Memory.Storage("b").Bytes, Is.EqualTo(bytes), "the bytes");
        Assert.That(result, Is.EqualTo(new ImageConversionResult((1 << 20) - (3 * 4096), 0, 3 * 4096, 0, 0)), "what was done");
        Assert.That(
            Requests("b", RequestKind.Write)[..3],
            Is.EqualTo(new[] { (0L, 8192L), (12288, Chunk - 4096 - 12288), (Chunk + 4096, Chunk - 4096) }),
            "a run of 4095 zeros is data, one that lies in two chunks is not");
    });

    // cow a -> memory b
    [Test]
    public void A_hole_is_neither_read_nor_written() => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 200, [0, 1, 150]);
        await using BlockBackend source = await OpenSourceAsync("a", "cow");
        await using BlockBackend target = await OpenTargetAsync("b");
        Fixture.Memory.Storage("a").Log.Clear();
        ImageConversionResult result = await ImageConversion.RunAsync([source], target, new ImageConversionOptions { TargetIsNew = true });
        Assert.That(Requests("a", RequestKind.Read).Sum(request => request.Length), Is.EqualTo(3 * Cluster), "what was read");
        Assert.That(Requests("b", RequestKind.Write), Is.EqualTo(new[] { (0L, 2L * Cluster), (150 * Cluster, Cluster) }), "what was written");
        Assert.That(result, Is.EqualTo(new ImageConversionResult(3 * Cluster, 0, 197 * Cluster, 0, 0)), "what was done");
        Assert.That((await ReadAllAsync(target))[..(200 * Cluster)], Is.EqualTo(await ReadAllAsync(source)), "the bytes");
    });

    [Test]
    public void Several_sources_follow_one_another_whatever_their_lengths() => Fixture.Run(async () =>
    {
        byte[][] parts = [Pattern(5000), [], Pattern(300_001), Pattern(77)];
        for (int i = 0; i < parts.Length; i++)
        {
            Put($"part{i}", parts[i]);
        }

        List<BlockBackend> sources = [];
        for (int i = 0; i < parts.Length; i++)
        {
            sources.Add(await OpenSourceAsync($"part{i}"));
        }

        await using BlockBackend target = await OpenTargetAsync("b");
        await ImageConversion.RunAsync(sources, target);
        byte[] expected = [.. parts.SelectMany(part => part)];
        Assert.That(Fixture.Memory.Storage("b").Bytes[..expected.Length], Is.EqualTo(expected), "one after the other");
        Assert.That(Fixture.Memory.Storage("b").Bytes[expected.Length..], Is.All.Zero, "nothing behind them");
    });

    [Test]
    public void Writes_come_in_order_unless_they_need_not([Values] bool outOfOrder) => Fixture.Run(async () =>
    {
        Put("a", Pattern(4 << 20));
        Put("b", new byte[4 << 20]);
        await using BlockBackend source = await OpenSourceAsync("a", options: ",latency-ns-max=1000000");
        await using BlockBackend target = await OpenTargetAsync("b", options: ",latency-ns-max=1000000");
        await ImageConversion.RunAsync([source], target, new ImageConversionOptions { WritesOutOfOrder = outOfOrder });
        Assert.That(Fixture.Memory.Storage("b").Bytes, Is.EqualTo(Fixture.Memory.Storage("a").Bytes), "the bytes");
        (long, long)[] writes = Requests("b", RequestKind.Write);
        Assert.That(writes, Has.Length.EqualTo(16), "sixteen chunks");
        Assert.That(writes, outOfOrder ? Is.Not.Ordered : Is.Ordered, "their order");
    });

    [TestCase(1, 1)]
    [TestCase(3, 3)]
    [TestCase(12, 12)]
    public void So_many_chunks_are_under_way_where_they_wait(int asked, int expected) => Fixture.Run(async () =>
    {
        Put("a", Pattern(16 << 20));
        Put("b", new byte[16 << 20]);
        await using BlockBackend source = await OpenSourceAsync("a", options: ",latency-ns-max=1000000");
        await using BlockBackend target = await OpenTargetAsync("b");
        int most = 0;
        Task conversion = ImageConversion.RunAsync([source], target, new ImageConversionOptions { RequestCount = asked });
        while (!conversion.IsCompleted)
        {
            most = Math.Max(most, source.InFlightCount);
            await Fixture.Context.DelayAsync(1000);
        }

        await conversion;
        Assert.That(most, Is.EqualTo(expected), "reads at once");
    });

    [Test]
    public void Without_looking_for_zeros_everything_is_written() => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 100, [5]);
        await using BlockBackend source = await OpenSourceAsync("a", "cow");
        await using BlockBackend target = await OpenTargetAsync("b");
        ImageConversionResult result = await ImageConversion.RunAsync([source], target, new ImageConversionOptions { TargetIsNew = true, SparseBytesMin = 0 });
        Assert.That(result, Is.EqualTo(new ImageConversionResult(100 * Cluster, 0, 0, 0, 0)), "all is data");
        Assert.That(Requests("b", RequestKind.Write).Sum(request => request.Length), Is.EqualTo(100 * Cluster), "and written");
    });

    [Test]
    public void A_target_that_is_not_new_gets_its_zeros() => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 100, [5]);
        Put("b", Pattern(101 * Cluster));
        await using BlockBackend source = await OpenSourceAsync("a", "cow");
        await using BlockBackend target = await OpenTargetAsync("b", options: ",zeroes=on");
        await ImageConversion.RunAsync([source], target);
        Assert.That((await ReadAllAsync(target))[..(100 * Cluster)], Is.EqualTo(await ReadAllAsync(source)), "the bytes");
        Assert.That((await ReadAllAsync(target))[(100 * Cluster)..], Is.EqualTo(Pattern(101 * Cluster)[(100 * Cluster)..]), "what lies behind stays");
        Assert.That(Requests("b", RequestKind.WriteZeroes), Is.EqualTo(new[] { (0L, 5L * Cluster), (6 * Cluster, 94 * Cluster) }), "zeros where there are some");
    });

    [Test]
    public void A_target_that_can_let_go_is_zeroed_as_a_whole_first() => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 100, [5, 50]);
        Put("b", Pattern(100 * Cluster));
        await using BlockBackend source = await OpenSourceAsync("a", "cow");
        await using BlockBackend target = await OpenTargetAsync("b", options: ",zeroes=on,discard=unmap");
        await ImageConversion.RunAsync([source], target);
        Assert.That(Fixture.Memory.Storage("b").Bytes, Is.EqualTo(await ReadAllAsync(source)), "the bytes");
        Assert.That(Requests("b", RequestKind.WriteZeroes), Is.EqualTo(new[] { (0L, 100L * Cluster) }), "once for all");
    });

    // cow a -> memory base (60 clusters)     cow b -> memory base
    [Test]
    public void What_the_targets_backing_node_has_is_left_to_it() => Fixture.Run(async () =>
    {
        Put("base", Pattern(60 * Cluster));
        await PutCowAsync("a", 100, [5], "memory:base");
        await PutCowAsync("b", 100, [], "memory:base");
        await using (BlockBackend overlay = await OpenTargetAsync("a", "cow"))
        {
            await overlay.WriteZeroesAsync(10 * Cluster, Cluster);
            await overlay.WriteZeroesAsync(70 * Cluster, Cluster);
        }

        await using BlockBackend source = await OpenSourceAsync("a", "cow");
        await using BlockBackend target = await OpenTargetAsync("b", "cow");
        ImageConversionResult result = await ImageConversion.RunAsync([source], target, new ImageConversionOptions { TargetIsNew = true, TargetHasBacking = true });
        Assert.That(await ReadAllAsync(target), Is.EqualTo(await ReadAllAsync(source)), "the bytes");
        Assert.That((result.DataBytes, result.ZeroBytes + result.UnallocatedBytes), Is.EqualTo(((long)Cluster, 99L * Cluster)), "one cluster is data");
        Assert.That((await target.GetStatusAboveAsync(11 * Cluster, Cluster, target.Root!.CowChild!.Node)).Status.IsAllocated, Is.False, "what was not allocated is not");
        Assert.That((await target.GetStatusAboveAsync(10 * Cluster, Cluster, target.Root!.CowChild!.Node)).Status.IsAllocated, Is.True, "zeros hide the backing node");
    });

    // cow a -> memory base (60 clusters)     cow b -> memory base
    [Test]
    public void Zeros_over_a_backing_node_are_data_where_none_are_looked_for() => Fixture.Run(async () =>
    {
        Put("base", Pattern(60 * Cluster));
        await PutCowAsync("a", 100, [5], "memory:base");
        await PutCowAsync("b", 100, [], "memory:base");
        await using (BlockBackend overlay = await OpenTargetAsync("a", "cow"))
        {
            await overlay.WriteZeroesAsync(10 * Cluster, Cluster);
        }

        await using BlockBackend source = await OpenSourceAsync("a", "cow");
        await using BlockBackend target = await OpenTargetAsync("b", "cow");
        ImageConversionResult result = await ImageConversion.RunAsync([source], target, new ImageConversionOptions { TargetIsNew = true, TargetHasBacking = true, SparseBytesMin = 0 });
        Assert.That(await ReadAllAsync(target), Is.EqualTo(await ReadAllAsync(source)), "the bytes");
        Assert.That((result.DataBytes, result.ZeroBytes), Is.EqualTo((2L * Cluster, 0L)), "what there was, and the zeros");
        Assert.That((await target.GetStatusAboveAsync(11 * Cluster, Cluster, target.Root!.CowChild!.Node)).Status.IsAllocated, Is.False, "what was not allocated is not");
    });

    [Test]
    public void Drivers_copy_by_themselves_as_long_as_they_can([Values] bool canCopy) => Fixture.Run(async () =>
    {
        Put("a", Pattern(1 << 20));
        await using BlockBackend source = await OpenSourceAsync("a", options: ",copies=on");
        await using BlockBackend target = await OpenTargetAsync("b", options: $",copies={(canCopy ? "on" : "off")}");
        ImageConversionResult result = await ImageConversion.RunAsync([source], target, new ImageConversionOptions { OffloadsCopies = true });
        Assert.That(Fixture.Memory.Storage("b").Bytes, Is.EqualTo(Fixture.Memory.Storage("a").Bytes), "the bytes");
        Assert.That((result.OffloadedBytes, result.DataBytes), Is.EqualTo(canCopy ? (1L << 20, 0L) : (0, 1 << 20)), "who copied");
        Assert.That(Requests("a", RequestKind.Read), canCopy ? Is.Empty : Is.Not.Empty, "what was read");
    });

    [Test]
    public void The_speed_limit_holds() => Fixture.Run(async () =>
    {
        Put("a", Pattern(1 << 20));
        await using BlockBackend source = await OpenSourceAsync("a");
        await using BlockBackend target = await OpenTargetAsync("b");
        long startNs = Fixture.Context.NowNs;
        await ImageConversion.RunAsync([source], target, new ImageConversionOptions { RateBytesPerSecond = 256 << 10 });
        Assert.That((Fixture.Context.NowNs - startNs) / 1e9, Is.InRange(2.5, 4.0), "four chunks of a second each, of which the last is not waited for");
    });

    // data, nothing, data: what is not there is passed over, and counts all the same
    [Test]
    public void Progress_that_is_not_counted_beforehand_is_of_the_whole_length() => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 8, [0, 1, 6]);
        await using BlockBackend source = await OpenSourceAsync("a", "cow");
        await using BlockBackend target = await OpenTargetAsync("b");
        Put("b", new byte[8 * Cluster]);
        Reports reports = new();
        await ImageConversion.RunAsync([source], target, new ImageConversionOptions { TargetIsNew = true, CountsBeforehand = false }, reports);
        Assert.That(reports.All[0], Is.EqualTo(new ImageProgress(0, 8 * Cluster)), "the beginning");
        Assert.That(reports.All[^1], Is.EqualTo(new ImageProgress(8 * Cluster, 8 * Cluster)), "the end");
        Assert.That(reports.All.Select(report => report.DoneBytes), Is.Ordered, "it only grows");
    });

    [Test]
    public void Progress_counts_what_is_to_be_moved() => Fixture.Run(async () =>
    {
        await PutCowAsync("a", 200, [0, 1, 150]);
        await using BlockBackend source = await OpenSourceAsync("a", "cow");
        await using BlockBackend target = await OpenTargetAsync("b");
        Reports reports = new();
        await ImageConversion.RunAsync([source], target, new ImageConversionOptions { TargetIsNew = true }, reports);
        Assert.That(
            reports.All,
            Is.EqualTo(new[] { new ImageProgress(0, 3 * Cluster), new ImageProgress(2 * Cluster, 3 * Cluster), new ImageProgress(3 * Cluster, 3 * Cluster) }),
            "data alone counts");
        Assert.That((reports.All[0].Fraction, reports.All[^1].Fraction, default(ImageProgress).Fraction), Is.EqualTo((0.0, 1.0, 1.0)), "as fractions");
    });

    [Test]
    public void A_target_that_is_too_short_is_refused_before_anything_is_written() => Fixture.Run(async () =>
    {
        Put("a", Pattern(8192));
        Put("b", new byte[8191]);
        await using BlockBackend source = await OpenSourceAsync("a");
        await using BlockBackend target = await OpenTargetAsync("b");
        BlockException error = await Failure.OfAsync(() => ImageConversion.RunAsync([source], target));
        Assert.That(error.Message, Is.EqualTo("The target of 8191 bytes is smaller than the source of 8192 bytes"), "the refusal");
        Assert.That(Fixture.Memory.Storage("b").Log, Is.Empty, "nothing was done");
    });

    [TestCaseSource(nameof(s_contradictions))]
    public void Options_that_cannot_be_are_refused(ImageConversionOptions options, string message) => Fixture.Run(async () =>
    {
        await using BlockBackend source = await OpenSourceAsync("a");
        await using BlockBackend target = await OpenTargetAsync("b");
        Assert.That((await Failure.OfAsync(() => ImageConversion.RunAsync([source], target, options))).Message, Is.EqualTo(message), "the refusal");
    });

    private static readonly object[] s_contradictions =
    [
        new object[] { new ImageConversionOptions { SparseBytesMin = -1 }, "The shortest run of zeros cannot be -1 bytes" },
        new object[] { new ImageConversionOptions { RequestCount = 0 }, "0 requests cannot be under way at once: between 1 and 64 can" },
        new object[] { new ImageConversionOptions { ChunkBytes = 256 }, "A chunk cannot be 256 bytes: a power of two between 512 and 2097152 can" },
        new object[] { new ImageConversionOptions { ChunkBytes = 3 << 10 }, "A chunk cannot be 3072 bytes: a power of two between 512 and 2097152 can" },
        new object[] { new ImageConversionOptions { ChunkBytes = 4 << 20 }, "A chunk cannot be 4194304 bytes: a power of two between 512 and 2097152 can" },
        new object[] { new ImageConversionOptions { RequestCount = 65 }, "65 requests cannot be under way at once: between 1 and 64 can" },
        new object[] { new ImageConversionOptions { RateBytesPerSecond = -5 }, "A rate of -5 bytes per second is none" },
        new object[] { new ImageConversionOptions { IsCompressed = true, OffloadsCopies = true }, "What drivers copy by themselves is not compressed" },
    ];
}
