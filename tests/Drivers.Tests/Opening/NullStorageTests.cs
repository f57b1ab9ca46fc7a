using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Opening;

/// <summary>The storage that stores nothing: what opens it, and that it completes later, never inside the submitting call.</summary>
[TestFixture("null-co")]
[TestFixture("null-aio")]
public sealed class NullStorageTests(string driver)
{
    private GraphFixture _fixture = null!;

    [SetUp]
    public void SetUp() => _fixture = new GraphFixture(drivers: [new NullCoDriver(), new NullAioDriver(), new RawDriver()]);

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [TestCase("", 1L << 30)]
    [TestCase(",size=64M", 64L << 20)]
    [TestCase(",size=0", 0L)]
    public void The_size_is_what_the_option_says(string options, long lengthBytes) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync($"driver={driver}{options}");
        Assert.That(backend.LengthBytes, Is.EqualTo(lengthBytes), "the length");
    });

    [Test]
    public void It_is_opened_by_its_prefix_too() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync($"{driver}://");
        Assert.That(backend.Root!.FileChild!.Node.Driver.Name, Is.EqualTo(driver), "the driver");
    });

    [Test]
    public void What_its_name_said_can_be_kept_when_it_is_reopened() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync($"{driver}://");
        BlockNode node = backend.Root!.FileChild!.Node;
        await _fixture.Graph.ApplyAsync(GraphEdit.Reopen(node, new OptionsDictionary { { "latency-ns", "1000" } }));
        long startNs = _fixture.Context.NowNs;
        await backend.ReadAsync(0, new byte[512]);
        Assert.That(_fixture.Context.NowNs - startNs, Is.EqualTo(1000), "the new latency holds");
    });

    [TestCase("latency-ns=-1", "latency-ns is invalid")]
    [TestCase("latency-ns=soon", "Parameter 'latency-ns' expects a number")]
    [TestCase("read-zeroes=1", "Parameter 'read-zeroes' expects 'on' or 'off'")]
    public void A_bad_option_is_refused(string option, string text) => _fixture.Run(async () =>
    {
        BlockException? refusal = null;
        try
        {
            await OpenAsync($"driver={driver},{option}");
        }
        catch (BlockException error)
        {
            refusal = error;
        }

        Assert.That(refusal?.Message, Is.EqualTo(text), "why");
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "no node is left");
    });

    [Test]
    public void Every_request_completes_later_and_succeeds([Values(0, 1000)] int latencyNs) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync($"driver={driver},size=1M,discard=unmap,read-zeroes=on,latency-ns={latencyNs}");
        byte[] buffer = [.. Enumerable.Repeat((byte)0xEE, 512)];
        foreach (Func<ValueTask> request in new Func<ValueTask>[]
        {
            () => backend.ReadAsync(0, buffer),
            () => backend.WriteAsync(0, new byte[512], RequestFlags.Fua),
            () => backend.WriteZeroesAsync(0, 4096, RequestFlags.MayUnmap),
            () => backend.DiscardAsync(0, 4096),
            () => backend.FlushAsync(),
        })
        {
            long startNs = _fixture.Context.NowNs;
            ValueTask task = request();
            Assert.That(task.IsCompleted, Is.False, "pending when the call returns");
            await task;
            Assert.That(_fixture.Context.NowNs - startNs, Is.EqualTo(latencyNs), "how long it took");
        }

        Assert.That(buffer, Is.All.Zero, "read-zeroes");
    });

    [Test]
    public void The_status_says_zeros_only_where_reads_return_them([Values] bool readsZeroes) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync($"driver={driver},size=1M,read-zeroes={(readsZeroes ? "on" : "off")}");
        BlockStatus status = await backend.GetStatusAsync(4096, 8192);
        Assert.That((status.LengthBytes, status.HostOffset), Is.EqualTo((8192, 4096)), "the range");
        Assert.That((status.Flags & BlockStatusFlags.Zero) != 0, Is.EqualTo(readsZeroes), "zeros");
    });

    private Task<BlockBackend> OpenAsync(string options) => _fixture.Graph.OpenAsync(CommandOptions.Read(options));
}
