using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Requests;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>Scenarios 67 to 70 and the second half of 72: what becomes of writes, flushes and changes of length.</summary>
[TestFixture]
public sealed class RequestScenarioTests : ScenarioTests
{
    private readonly LimitedProtocol _limited = new();

    protected override GraphFixture CreateFixture() => new(drivers: [_limited, .. FormatDrivers]);

    [SetUp]
    public void Clear() => _limited.Clear();

    [TestCase("driver=memory,filename=disk,align=512,latency-ns-max=1000")]
    [TestCase("driver=raw,file.driver=memory,file.filename=disk,file.align=512,file.latency-ns-max=1000")]
    public void S67_Unaligned_concurrent_writes_in_one_sector_keep_both(string options) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync(options);
        byte[] disk = Fixture.Memory.Storage("disk").Bytes;
        disk.AsSpan().Fill(0xEE);
        await Task.WhenAll(
            backend.WriteAsync(10, new byte[] { 1, 1, 1 }).AsTask(),
            backend.WriteAsync(13, new byte[] { 2, 2 }).AsTask(),
            backend.WriteZeroesAsync(20, 5).AsTask());
        Assert.That(disk.AsSpan(9, 7).ToArray(), Is.EqualTo(new byte[] { 0xEE, 1, 1, 1, 2, 2, 0xEE }), "both writes, and what was around them");
        Assert.That(disk.AsSpan(19, 7).ToArray(), Is.EqualTo(new byte[] { 0xEE, 0, 0, 0, 0, 0, 0xEE }), "and the zeros");
    });

    [TestCase(4096, new[] { "write 0+4096", "flush" })]
    [TestCase(10240, new[] { "write 0+4096", "write 4096+4096", "write 8192+2048", "flush" }, Description = "split")]
    [TestCase(1000, new[] { "read 512+512", "write 0+1024", "flush" }, Description = "padded")]
    public void S68_Force_unit_access_on_a_driver_without_it_is_exactly_one_flush(int length, string[] calls) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        byte[] data = new byte[length];
        data.AsSpan().Fill(5);
        await backend.WriteAsync(0, data, RequestFlags.Fua);
        Assert.That(_limited.Log, Is.EqualTo(calls), "one flush, after the last piece");
        await backend.FlushAsync();
        Assert.That(_limited.Log, Is.EqualTo(calls), "which leaves nothing for a later one to do");
    });

    [Test]
    public void S69_Concurrent_flushes_with_no_writes_between_are_one_flush_of_the_disk() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=raw,file.driver=scripted,file.node-name=disk");
        ScriptedNode disk = Fixture.Scripted.Node("disk");
        disk.Hold(RequestKind.Flush);
        await backend.WriteAsync(0, new byte[512]);
        Task[] flushes = [.. Enumerable.Range(0, 8).Select(_ => backend.FlushAsync().AsTask())];
        await SettleAsync();
        Assert.That(disk.Pending.Select(p => p.Kind), Is.EqualTo(new[] { RequestKind.Flush }), "the others wait");
        disk.SucceedAll();
        await Task.WhenAll(flushes);
        await backend.FlushAsync();
        Assert.That(disk.ArrivedCount, Is.EqualTo(2), "the write, and one flush");
    });

    [Test]
    public void S70_A_zero_write_falls_back_when_the_driver_cannot_and_returns_that_where_it_must_not() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=limited,node-name=n");
        BlockException refusal = await Failure.OfRequestAsync(() => backend.WriteZeroesAsync(0, 8192, RequestFlags.NoFallback));
        Assert.That(refusal.Kind, Is.EqualTo(BlockErrorKind.NotSupported), "the driver's own answer");
        Assert.That(_limited.Log, Is.Empty, "nothing was written");
        await backend.WriteZeroesAsync(0, 8192);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "write 0+4096", "write 4096+4096" }), "buffers of zeros, no longer than the driver takes");
    });

    [TestCaseSource(nameof(Formats))]
    public void S72_Growing_over_a_longer_backing_reads_zeros(string format) => Fixture.Run(async () =>
    {
        // blk -> overlay (2 clusters and a half) -> base (8 clusters of sevens)
        const int Cluster = 4096;
        const int OldBytes = (2 * Cluster) + (Cluster / 2);
        Fixture.Memory.Storage("base", 8 * Cluster).Bytes.AsSpan().Fill(7);
        await PutImageAsync(Fixture, format, "top", OldBytes);
        BlockBackend blk = await Fixture.OpenAsync($"driver={format},file.driver=memory,file.filename=top,backing.driver=memory,backing.filename=base");
        await blk.TruncateAsync(6 * Cluster);
        byte[] read = new byte[6 * Cluster];
        await blk.ReadAsync(0, read);
        Assert.That(read.AsSpan(0, OldBytes).IndexOfAnyExcept((byte)7), Is.EqualTo(-1), "what was seen before is seen now");
        Assert.That(read.AsSpan(OldBytes).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "what the backing node has beyond the old end is not");
    });

    [Test]
    public void S72_A_driver_that_cannot_hide_a_longer_backing_is_not_grown() => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("disk", 4096);
        Fixture.Memory.Storage("base", 8192);
        BlockBackend blk = await Fixture.OpenAsync("driver=any-role,node-name=top,file.driver=memory,file.filename=disk,backing.driver=memory,backing.filename=base");
        BlockException error = await Failure.OfAsync(() => blk.TruncateAsync(8192));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NotSupported, "Block driver does not support requested flags")), "the refusal");
        Assert.That((await Failure.OfAsync(() => blk.TruncateAsync(2048))).Message, Is.EqualTo("Image format driver does not support resize"), "shorter, nothing is to be hidden");
        Assert.That(blk.LengthBytes, Is.EqualTo(4096), "its length");
    });
}
