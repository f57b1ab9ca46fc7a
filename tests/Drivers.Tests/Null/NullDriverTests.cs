using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Null;

/// <summary>Storage that stores nothing: its sizes, its latency, its reads, and that it never completes inside the call.</summary>
[TestFixture("null-co")]
[TestFixture("null-aio")]
public sealed class NullDriverTests(string driver)
{
    private GraphFixture _fixture = null!;

    [SetUp]
    public void SetUp() => _fixture = new GraphFixture(drivers: [new NullCoDriver(), new NullAioDriver(), new RawDriver()]);

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [TestCase("", 1L << 30)]
    [TestCase(",size=0", 0)]
    [TestCase(",size=1000", 1000)]
    [TestCase(",size=4k", 4096)]
    [TestCase(",size=9223372035781033984", (1L << 62) - (1L << 30) + (1L << 62))]
    public void The_size_is_as_given(string options, long lengthBytes) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync($"driver={driver}{options}");
        Assert.That(backend.LengthBytes, Is.EqualTo(lengthBytes), "bytes");
    });

    [TestCase("latency-ns=-1", "latency-ns is invalid")]
    [TestCase("size=9223372036854775807", "Could not refresh total sector count: File too large")]
    [TestCase("read-zeroes=maybe", "Parameter 'read-zeroes' expects 'on' or 'off'")]
    public void A_bad_option_is_refused(string option, string message) => _fixture.Run(async () =>
    {
        Assert.That((await Failure.OfAsync(() => _fixture.OpenAsync($"driver={driver},{option}"))).Message, Is.EqualTo(message), "the text");
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "nothing is left");
    });

    [Test]
    public void The_file_name_is_the_prefix_alone() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync($"filename={driver}://,read-only=on");
        Assert.That(backend.Root!.FileChild!.Node.Driver.Name, Is.EqualTo(driver), "the driver under a guessed raw");
        Assert.That(
            (await Failure.OfAsync(() => _fixture.OpenAsync($"filename={driver}://x"))).Message,
            Is.EqualTo($"The only allowed filename for this driver is '{driver}://'"),
            "anything more is refused");
    });

    [TestCase("0")]
    [TestCase("1000")]
    public void A_request_is_pending_when_it_has_been_submitted(string latencyNs) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync($"driver={driver},latency-ns={latencyNs},discard=unmap");
        foreach (Func<ValueTask> submit in new Func<ValueTask>[]
        {
            () => backend.ReadAsync(0, new byte[512]),
            () => backend.WriteAsync(0, new byte[512]),
            () => backend.WriteZeroesAsync(0, 512),
            () => backend.DiscardAsync(0, 512),
            () => backend.FlushAsync(),
        })
        {
            ValueTask pending = submit();
            bool wasCompleted = pending.IsCompleted;
            await pending;
            Assert.That(wasCompleted, Is.False, "it completes from the loop, never inside the submitting call");
        }
    });

    [Test]
    public void Every_request_takes_the_latency_and_those_together_take_it_once() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync($"driver={driver},latency-ns=2500,discard=unmap");
        long start = _fixture.World.NowNs;
        await Task.WhenAll(Enumerable.Range(0, 10).Select(i => backend.WriteAsync(i * 512, new byte[512]).AsTask()));
        Assert.That(_fixture.World.NowNs - start, Is.EqualTo(2500), "ten at once");
        await backend.ReadAsync(0, new byte[512]);
        await backend.WriteZeroesAsync(0, 512);
        await backend.DiscardAsync(0, 512);
        await backend.FlushAsync();
        Assert.That(_fixture.World.NowNs - start, Is.EqualTo(5 * 2500), "four more, one after the other");
    });

    [TestCase("on", 0)]
    [TestCase("off", 0xAB)]
    public void Reads_return_zeros_only_where_that_is_asked_for(string readZeroes, byte expected) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync($"driver={driver},read-zeroes={readZeroes}");
        byte[] buffer = [.. Enumerable.Repeat((byte)0xAB, 100)];
        await backend.ReadAsync(7, buffer);
        Assert.That(buffer, Has.All.EqualTo(expected), "the buffer");
        BlockStatusFlags zero = readZeroes == "on" ? BlockStatusFlags.Zero | BlockStatusFlags.Allocated : BlockStatusFlags.None;
        BlockStatus status = await backend.GetStatusAsync(512, 1024);
        Assert.That(status, Is.EqualTo(new BlockStatus(BlockStatusFlags.OffsetValid | zero, 1024, 512)), "the status");
    });

    [Test]
    public void Zeroing_never_falls_back_and_force_unit_access_is_free() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync($"driver={driver},latency-ns=100");
        await backend.WriteZeroesAsync(0, 1 << 20, RequestFlags.NoFallback | RequestFlags.Fua | RequestFlags.MayUnmap);
        await backend.WriteAsync(0, new byte[512], RequestFlags.Fua);
        Assert.That(_fixture.World.NowNs, Is.EqualTo(200), "one request each");
    });

    [Test]
    public void The_driver_describes_itself()
    {
        NullDriver described = driver == "null-co" ? new NullCoDriver() : new NullAioDriver();
        Assert.That((described.Name, described.ProtocolName), Is.EqualTo((driver, driver)), "its names");
        Assert.That(described.Summary, Is.Not.Empty, "a line for a person");
        Assert.That(described.Options.Definitions.Select(o => o.Name), Is.EqualTo(new[] { "size", "latency-ns", "read-zeroes" }), "its options");
    }
}
