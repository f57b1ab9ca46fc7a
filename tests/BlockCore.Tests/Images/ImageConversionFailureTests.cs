using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Images;

/// <summary>A conversion that fails or is cancelled, at each step in turn: it ends when nothing of it is under way, and says where.</summary>
[TestFixture]
public sealed class ImageConversionFailureTests : ImageTests
{
    private const int Chunk = 256 << 10;
    private const int SpreadChunk = 1 << 20;

    // faulty a -> faulty b: the n-th read or write fails
    [Test]
    public void A_failure_at_any_step_ends_it([Values(StorageCall.Read, StorageCall.Write)] StorageCall call, [Values] bool outOfOrder, [Values] Side anywhere) => Fixture.Run(async () =>
    {
        int length = 8 * (anywhere == Side.None ? Chunk : SpreadChunk);
        Put("a", Pattern(length));
        Put("b", new byte[length]);
        int n = 1;
        for (bool isOver = false; !isOver; n++)
        {
            await using BlockBackend source = await OpenSourceAsync("a", "faulty", Slow(anywhere, Side.Source));
            await using BlockBackend target = await OpenTargetAsync("b", "faulty", Slow(anywhere, Side.Target));
            FaultyDisk disk = Fixture.Faulty.Disk(call == StorageCall.Read ? "a" : "b");
            disk.FailNth(n, call);
            try
            {
                await ImageConversion.RunAsync([source], target, new ImageConversionOptions { RequestCount = 3, WritesOutOfOrder = outOfOrder, MoreContexts = [Fixture.ContextOf("one"), Fixture.ContextOf("two")] });
                isOver = true;
            }
            catch (BlockException error)
            {
                Assert.That(error.Message, Does.Match($"^error while {(call == StorageCall.Read ? "reading" : "writing")} at byte [0-9]+: Input/output error$"), $"failure {n}");
                Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.InputOutput), $"failure {n}: the kind stays");
            }

            Assert.That((source.InFlightCount, target.InFlightCount), Is.EqualTo((0, 0)), $"failure {n}: nothing is under way");
            disk.Heal();
        }

        Assert.That(n, Is.EqualTo(10), "eight failures, and the one that did not come");
        Assert.That(Fixture.Memory.Storage("b").Bytes, Is.EqualTo(Fixture.Memory.Storage("a").Bytes), "then it succeeds");
    });

    [Test]
    public void Cancelled_at_any_step_it_ends([Values] bool outOfOrder, [Values] Side anywhere) => Fixture.Run(async () =>
    {
        Put("a", Pattern(64 * Chunk));
        Put("b", new byte[64 * Chunk]);
        for (int at = 1; at <= 8; at++)
        {
            await using BlockBackend source = await OpenSourceAsync("a", options: Slow(anywhere, Side.Source));
            await using BlockBackend target = await OpenTargetAsync("b", options: Slow(anywhere, Side.Target));
            using CancellationTokenSource cancel = new();
            Reports reports = new(at, cancel.Cancel);
            Task conversion = ImageConversion.RunAsync([source], target, new ImageConversionOptions { RequestCount = 3, WritesOutOfOrder = outOfOrder, MoreContexts = [Fixture.ContextOf("one"), Fixture.ContextOf("two")] }, reports, cancel.Token);
            await Failure.OfAsync<OperationCanceledException>(() => conversion);
            Assert.That(reports.All[^1].DoneBytes, Is.LessThanOrEqualTo(at * (anywhere == Side.None ? 8 * Chunk : 3 * SpreadChunk)), $"step {at}: what was under way is all that was done");
            Assert.That((source.InFlightCount, target.InFlightCount), Is.EqualTo((0, 0)), $"step {at}: nothing is under way");
        }
    });

    [Test]
    public void A_cancellation_ends_the_wait_for_the_speed_limit() => Fixture.Run(async () =>
    {
        Put("a", Pattern(4 * Chunk));
        await using BlockBackend source = await OpenSourceAsync("a");
        await using BlockBackend target = await OpenTargetAsync("b");
        using CancellationTokenSource cancel = new();
        Task conversion = ImageConversion.RunAsync([source], target, new ImageConversionOptions { RateBytesPerSecond = 1 }, cancel: cancel.Token);
        await Fixture.Context.DelayAsync(1_000_000_000);
        cancel.Cancel();
        await Failure.OfAsync<OperationCanceledException>(() => conversion);
        Assert.That(Fixture.Context.NowNs, Is.LessThan(2_000_000_000), "nobody waits for days");
    });

    // Reads of a whole chunk fail, then those of its third and fourth sector.
    [Test]
    public void What_cannot_be_read_becomes_zeros_where_that_is_asked_for() => Fixture.Run(async () =>
    {
        Put("a", Pattern(8192));
        await using BlockBackend source = await OpenSourceAsync("a", "faulty");
        await using BlockBackend target = await OpenTargetAsync("b");
        FaultyDisk disk = Fixture.Faulty.Disk("a");
        disk.FailNth(1, StorageCall.Read);
        disk.FailNth(4, StorageCall.Read);
        disk.FailNth(5, StorageCall.Read);
        disk.FailNth(9, StorageCall.Read);
        List<(long, long, string)> lost = [];
        ImageConversionResult result = await ImageConversion.RunAsync(
            [source], target, new ImageConversionOptions { TargetIsNew = true, IsSalvaging = true, OnUnreadable = range => lost.Add((range.OffsetBytes, range.LengthBytes, range.Error.Message)) });
        byte[] expected = Pattern(8192);
        expected.AsSpan(1024, 1024).Clear();
        expected.AsSpan(3584, 512).Clear();
        Assert.That(Fixture.Memory.Storage("b").Bytes[..8192], Is.EqualTo(expected), "all that could be read");
        Assert.That(lost, Is.EqualTo(new[] { (1024L, 1024L, "Input/output error"), (3584, 512, "Input/output error") }), "what could not");
        Assert.That(result.UnreadableBytes, Is.EqualTo(1536), "how much that is");
    });

    [Test]
    public void Without_knowing_what_is_there_it_fails_or_reads() => Fixture.Run(async () =>
    {
        Put("a", Pattern(8192));
        await using BlockBackend source = await OpenSourceAsync("a", "faulty");
        await using BlockBackend target = await OpenTargetAsync("b");
        Fixture.Faulty.Disk("a").FailNth(1, StorageCall.GetStatus, isSticky: true);
        BlockException error = await Failure.OfAsync(() => ImageConversion.RunAsync([source], target));
        Assert.That(error.Message, Is.EqualTo("error while reading block status at offset 0: Input/output error"), "the failure");
        List<long> unknown = [];
        await ImageConversion.RunAsync([source], target, new ImageConversionOptions { IsSalvaging = true, OnUnknownStatus = range => unknown.Add(range.OffsetBytes) });
        Assert.That(Fixture.Memory.Storage("b").Bytes[..8192], Is.EqualTo(Pattern(8192)), "what can be saved is");
        Assert.That(unknown, Is.EqualTo(Enumerable.Range(0, 16).Select(sector => 512L * sector)), "each sector is told of once");
    });

    // Fails whatever is asked about a range with the fourth sector in it: the hole behind is still found.
    [Test]
    public void One_sector_without_status_does_not_hide_the_holes_around_it() => Fixture.Run(async () =>
    {
        Put("a", new byte[8192]);
        await using BlockBackend source = await Fixture.OpenAsync("driver=blkdebug,image.driver=memory,image.filename=a,inject-error.0.event=none,inject-error.0.iotype=block-status,inject-error.0.sector=3");
        await using BlockBackend target = await OpenTargetAsync("b");
        List<(long, long)> unknown = [];
        ImageConversionOptions options = new() { TargetIsNew = true, IsSalvaging = true, SparseBytesMin = 512, OnUnknownStatus = range => unknown.Add((range.OffsetBytes, range.LengthBytes)) };
        ImageConversionResult result = await ImageConversion.RunAsync([source], target, options);
        Assert.That(unknown, Is.EqualTo(new[] { (1536L, 512L) }), "the sector, and no other");
        Assert.That(result.UnreadableBytes, Is.Zero, "it could be read");
        Assert.That(result.ZeroBytes, Is.EqualTo(8192), "all of it is zeros");
    });

    [Test]
    public void A_driver_that_cannot_compress_says_so() => Fixture.Run(async () =>
    {
        Put("a", Pattern(8192));
        await using BlockBackend source = await OpenSourceAsync("a");
        await using BlockBackend target = await OpenTargetAsync("b");
        BlockException error = await Failure.OfAsync(() => ImageConversion.RunAsync([source], target, new ImageConversionOptions { IsCompressed = true }));
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotSupported), "the kind");
        Assert.That(Fixture.Memory.Storage("b").Log, Is.Empty, "nothing was written");
    });

    private static string Slow(Side anywhere, Side side) => $",latency-ns-max=1000,any-context={(anywhere.HasFlag(side) ? "on" : "off")}";

    /// <summary>Which sides of a conversion can be called on any context.</summary>
    [Flags]
    public enum Side
    {
        None = 0,
        Source = 1,
        Target = 2,
        Both = Source | Target,
    }
}
