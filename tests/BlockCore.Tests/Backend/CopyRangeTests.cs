using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>
/// A range goes from one backend to another: by the drivers' own means where they have some, otherwise through memory.
/// <code>
///   source        target
///     |             |
///   memory a      memory b        with copies=on they copy by themselves
/// </code>
/// </summary>
[TestFixture]
public sealed class CopyRangeTests : GraphTests
{
    private const int Length = 64 * 1024;

    protected override GraphFixture CreateFixture() => Create(usesPlans: true);

    [Test]
    public void Drivers_that_can_copy_without_a_buffer() => Fixture.Run(async () =>
    {
        (BlockBackend source, BlockBackend target) = await OpenAsync(Fixture);
        await source.CopyRangeAsync(1000, target, 3000, 5000);
        AssertCopied(Fixture, 1000, 3000, 5000);
        Assert.That(Log("a"), Is.Empty, "nothing was read");
        Assert.That(Log("b"), Is.EqualTo(new[] { new MemoryRequest(RequestKind.Write, 3000, 5000, RequestFlags.None) }), "one write");
        Assert.That((source.GetCounters(RequestKind.Read).OperationCount, source.GetCounters(RequestKind.Read).ByteCount), Is.EqualTo((1, 5000)), "a read here");
        Assert.That((target.GetCounters(RequestKind.Write).OperationCount, target.GetCounters(RequestKind.Write).ByteCount), Is.EqualTo((1, 5000)), "a write there");
        await source.CopyRangeAsync(0, target, 0, 100, RequestFlags.Fua);
        Assert.That(Log("b").Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Write, RequestKind.Write, RequestKind.Flush }), "durable when asked for");
        await source.CopyRangeAsync(7, target, 9, 0);
        Assert.That(Log("b"), Has.Length.EqualTo(3), "nothing is nothing");
    });

    // raw (+512) -> throttle without limits -> memory, on both ways
    [Test]
    public void The_way_leads_through_windows_and_idle_filters_with_plans_and_without([Values] bool usesPlans)
    {
        using GraphFixture fixture = Create(usesPlans);
        fixture.Run(async () =>
        {
            (BlockBackend source, BlockBackend target) = await OpenAsync(fixture, "driver=raw,offset=512,file.driver=throttle,file.file.", "driver=raw,offset=1024,file.");
            await source.CopyRangeAsync(100, target, 200, 3000, RequestFlags.NoFallback);
            AssertCopied(fixture, 612, 1224, 3000);
            Assert.That(fixture.Memory.Storage("a").Log, Is.Empty, "nothing was read");
            Assert.That((source.GetCounters(RequestKind.Read).OperationCount, target.GetCounters(RequestKind.Write).OperationCount), Is.EqualTo((1, 1)), "counted once each");
        });
    }

    [Test]
    public void Others_read_and_write_piece_by_piece() => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("a", 3 << 20);
        Fixture.Memory.Storage("b", 3 << 20);
        Fill(Fixture);
        await using BlockBackend source = await Fixture.OpenAsync("driver=memory,filename=a,read-only=on", new BackendOptions { ReadOnly = true });
        await using BlockBackend target = await Fixture.OpenAsync("driver=memory,filename=b,copies=on");
        BlockException refusal = await Failure.OfRequestAsync(() => source.CopyRangeAsync(0, target, 0, 100, RequestFlags.NoFallback));
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.NotSupported, "The drivers cannot copy from an unnamed block device to an unnamed block device by themselves")), "not at any price");
        Assert.That(Log("b"), Is.Empty, "nothing happened");
        await source.CopyRangeAsync(100, target, 50, (2 << 20) + 7, RequestFlags.Fua);
        AssertCopied(Fixture, 100, 50, (2 << 20) + 7);
        Assert.That(Log("a").Select(r => r.LengthBytes), Is.EqualTo(new long[] { 1 << 20, 1 << 20, 7 }), "pieces of a mebibyte");
        Assert.That(Log("b").Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Write, RequestKind.Write, RequestKind.Write, RequestKind.Flush }), "durable, all of it, by one flush");
    });

    [Test]
    public void What_is_no_copy_is_refused_and_nothing_happens() => Fixture.Run(async () =>
    {
        (BlockBackend source, BlockBackend target) = await OpenAsync(Fixture);
        foreach ((long from, long to, long length) in new[] { (-1L, 0L, 1L), (0, -1, 1), (0, 0, -1), (Length - 9, 0, 10), (0, Length - 9, 10), (long.MaxValue, 0, 1), (0, long.MaxValue, long.MaxValue), (0, 0, long.MaxValue) })
        {
            Assert.That((await Failure.OfRequestAsync(() => source.CopyRangeAsync(from, target, to, length))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), $"{from} to {to}, {length}");
            Assert.That((await Failure.OfRequestAsync(() => source.CopyRangeAsync(from, source, to, length))).Kind, Is.EqualTo(BlockErrorKind.InputOutput).Or.EqualTo(BlockErrorKind.InvalidArgument), $"within one: {from} to {to}, {length}");
        }

        BlockException refusal = await Failure.OfRequestAsync(() => source.CopyRangeAsync(0, source, 99, 100));
        Assert.That(refusal.Message, Is.EqualTo("The ranges 0+100 and 99+100 of one image overlap"), "overlapping");
        await source.CopyRangeAsync(0, source, 100, 100);
        refusal = await Failure.OfRequestAsync(() => source.CopyRangeAsync(0, target, 0, 100, RequestFlags.MayUnmap));
        Assert.That(refusal.Message, Is.EqualTo("A copy cannot be flagged 'MayUnmap'"), "flags of something else");
        await using BlockBackend reader = await Fixture.Graph.AttachBackendAsync(target.Root!, new BackendOptions { ReadOnly = true });
        Assert.That((await Failure.OfRequestAsync(() => source.CopyRangeAsync(0, reader, 0, 100))).Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "a target that may not be written");
        await using BlockBackend empty = await Fixture.Graph.CreateBackendAsync();
        Assert.That((await Failure.OfRequestAsync(() => source.CopyRangeAsync(0, empty, 0, 100))).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "no target");
        Assert.That((await Failure.OfRequestAsync(() => empty.CopyRangeAsync(0, target, 0, 100))).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "no source");
        Assert.That(Log("b"), Is.Empty, "nothing was written");
        Fixture.Memory.Storage("b").FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        Assert.That((await Failure.OfRequestAsync(() => source.CopyRangeAsync(0, target, 0, 100))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "what the storage says");
        Assert.That((target.GetCounters(RequestKind.Write).FailedCount, source.InFlightCount, target.InFlightCount), Is.EqualTo((1, 0, 0)), "counted, and over");
    });

    [Test]
    public void The_target_is_tracked_like_any_write() => Fixture.Run(async () =>
    {
        (BlockBackend source, BlockBackend target) = await OpenAsync(Fixture, targetOptions: "latency-ns-max=1000");
        Task copy = source.CopyRangeAsync(0, target, 0, 1000).AsTask();
        Task serialising = target.WriteAsync(999, new byte[] { 42 }, RequestFlags.Serialising).AsTask();
        await Task.WhenAll(copy, serialising);
        Assert.That(Fixture.Memory.Storage("b").Bytes[999], Is.EqualTo(42), "the later write came later");
        serialising = target.WriteAsync(0, new byte[1000], RequestFlags.Serialising).AsTask();
        copy = source.CopyRangeAsync(0, target, 0, 1000).AsTask();
        await Task.WhenAll(copy, serialising);
        AssertCopied(Fixture, 0, 0, 1000);
    });

    [Test]
    public void What_must_be_seen_on_the_way_is_read_and_written() => Fixture.Run(async () =>
    {
        CowImage.Format(Fixture.Memory.Storage("top"), new CowImageOptions(Length));
        (BlockBackend source, BlockBackend target) = await OpenAsync(Fixture, targetOptions: "detect-zeroes=on,zeroes=on");
        Fixture.Memory.Storage("a").Bytes.AsSpan(0, 4096).Clear();
        await source.CopyRangeAsync(0, target, 8192, 4096);
        Assert.That(Log("b").Single().Kind, Is.EqualTo(RequestKind.WriteZeroes), "zeros are detected");
        await using BlockBackend top = await Fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=top,backing.driver=memory,backing.filename=a,backing.copies=on", new BackendOptions { CopyOnRead = true });
        await top.CopyRangeAsync(0, target, 0, 100);
        Assert.That((await top.GetStatusAsync(0, 100)).IsAllocated, "what is read is copied up");
        await target.LimitAsync(new ThrottleConfig { BpsTotal = new ThrottleLimits(1000, 0, 1) });
        int before = Log("a").Length;
        await source.CopyRangeAsync(0, target, 0, 100);
        Assert.That(Log("a"), Has.Length.EqualTo(before + 1), "limits count");
    });

    // Two disks on two contexts copy into each other while one or all of the graph is drained.
    [Test]
    public void Drains_of_either_end_wait_for_a_copy_and_never_for_each_other([Range(0, 59)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
        fixture.Run(async () =>
        {
            (BlockBackend a, BlockBackend b) = await OpenAsync(fixture, targetOptions: "latency-ns-max=5000");
            await b.MoveAsync(fixture.ContextOf("other"));
            SeededRandom chance = fixture.World.Chance;
            Task[] copies = [.. Enumerable.Range(0, 4).Select(i => CopySometimesAsync(fixture, i % 2 == 0 ? a : b, i % 2 == 0 ? b : a, i))];
            Task copying = Task.WhenAll(copies);
            while (!copying.IsCompleted)
            {
                BlockBackend drained = chance.OneIn(2) ? a : b;
                await using (await (chance.OneIn(3) ? fixture.Graph.DrainAllAsync() : DrainScope.BeginAsync(drained.Root!)))
                {
                    int written = fixture.Memory.Storage(ReferenceEquals(drained, a) ? "a" : "b").Log.Count;
                    await fixture.Context.DelayAsync(chance.NextLong(10_000));
                    Assert.That(fixture.Memory.Storage(ReferenceEquals(drained, a) ? "a" : "b").Log, Has.Count.EqualTo(written), $"seed {seed}: nothing moves in a drain");
                }

                await fixture.Context.DelayAsync(chance.NextLong(10_000));
            }

            await copying;
            Assert.That((a.InFlightCount, b.InFlightCount), Is.EqualTo((0, 0)), "nothing is left");
        });
    }

    private static async Task CopySometimesAsync(GraphFixture fixture, BlockBackend from, BlockBackend to, int index)
    {
        for (int i = 0; i < 5; i++)
        {
            await from.CopyRangeAsync(index * 1000, to, (index + 10) * 1000, 1000);
            await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(10_000));
        }
    }

    private static GraphFixture Create(bool usesPlans) =>
        new(drivers: [new RawDriver(), new ThrottleFilterDriver()], graphOptions: new NodeGraphOptions { UsesPlans = usesPlans, Profile = DriverModel.CompatibilityProfile.Own });

    private static async Task<(BlockBackend Source, BlockBackend Target)> OpenAsync(GraphFixture fixture, string sourcePrefix = "", string targetPrefix = "", string? targetOptions = null)
    {
        fixture.Memory.Storage("a", Length);
        fixture.Memory.Storage("b", Length);
        Fill(fixture);
        BackendOptions shared = new() { ShareWrite = true, AllowsContextChange = true };
        BlockBackend source = await fixture.OpenAsync(Options(sourcePrefix, "a", null), shared);
        BlockBackend target = await fixture.OpenAsync(Options(targetPrefix, "b", targetOptions), shared);
        return (source, target);
    }

    // The prefix is of the storage: it ends in the name of the last child.
    private static string Options(string prefix, string name, string? more)
    {
        int cut = prefix.LastIndexOf(',') + 1;
        string storage = string.Join(',', $"driver=memory,filename={name},copies=on{(more is null ? "" : "," + more)}".Split(',').Select(o => prefix[cut..] + o));
        return prefix[..cut] + storage;
    }

    private static void Fill(GraphFixture fixture)
    {
        byte[] bytes = fixture.Memory.Storage("a").Bytes;
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = unchecked((byte)((i * 7) + (i >> 8) + 1));
        }
    }

    private static void AssertCopied(GraphFixture fixture, int from, int to, int length) => Assert.That(
        fixture.Memory.Storage("b").Bytes.AsSpan(to, length).SequenceEqual(fixture.Memory.Storage("a").Bytes.AsSpan(from, length)), Is.True, "the bytes are there");

    private MemoryRequest[] Log(string name) => [.. Fixture.Memory.Storage(name).Log];
}
