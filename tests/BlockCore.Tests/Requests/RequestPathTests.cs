using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>What a request meets between a backend and a driver.</summary>
[TestFixture]
public sealed class RequestPathTests
{
    private GraphFixture _fixture = null!;

    [SetUp]
    public void SetUp() => _fixture = new GraphFixture();

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void A_write_is_read_back() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("memory");
        byte[] written = [1, 2, 3, 4, 5];
        await backend.WriteAsync(777, written);
        byte[] read = new byte[5];
        await backend.ReadAsync(777, read);
        Assert.That(read, Is.EqualTo(written), "what was written at an odd offset");
        Assert.That(backend.GetCounters(RequestKind.Write).ByteCount, Is.EqualTo(5), "counted once");
        Assert.That(backend.InFlightCount, Is.Zero, "nothing is left in flight");
    });

    [Test]
    public void Concurrent_unaligned_writes_of_one_sector_keep_both() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("memory", ("align", "512"));
        byte[] a = [.. Enumerable.Repeat((byte)0xAA, 100)];
        byte[] b = [.. Enumerable.Repeat((byte)0xBB, 100)];
        Task first = backend.WriteAsync(0, a).AsTask();
        Task second = backend.WriteAsync(100, b).AsTask();
        await Task.WhenAll(first, second);
        byte[] bytes = _fixture.Memory.Storage("disk").Bytes;
        Assert.That(bytes.AsSpan(0, 100).ToArray(), Is.EqualTo(a), "the first writer's bytes");
        Assert.That(bytes.AsSpan(100, 100).ToArray(), Is.EqualTo(b), "the second writer's bytes");
    });

    [TestCase(-1, 1)]
    [TestCase(1 << 20, 1)]
    [TestCase((1 << 20) - 1, 2)]
    [TestCase(long.MaxValue, 1)]
    public void A_request_outside_the_image_is_refused(long offset, int length) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("memory");
        BlockException error = await ThrowsAsync(() => backend.ReadAsync(offset, new byte[length]));
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.InputOutput), "the kind users match on");
        Assert.That(_fixture.Memory.Storage("disk").Log, Is.Empty, "nothing reached the driver");
    });

    [Test]
    public void A_failed_request_is_thrown_once_and_counted() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("memory");
        _fixture.Memory.Storage("disk").FailWith(RequestKind.Read, BlockErrorKind.InputOutput);
        BlockException error = await ThrowsAsync(() => backend.ReadAsync(0, new byte[1]));
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.InputOutput), "the driver's own error");
        Assert.That(backend.GetCounters(RequestKind.Read).FailedCount, Is.EqualTo(1), "counted as failed");
        Assert.That(backend.InFlightCount, Is.Zero, "nothing is left in flight");
    });

    [Test]
    public void Force_unit_access_on_a_driver_without_it_is_one_flush_after_the_write() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("memory");
        await backend.WriteAsync(0, new byte[512], RequestFlags.Fua);
        Assert.That(_fixture.Memory.Storage("disk").Log.Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Write, RequestKind.Flush }), "the order");
    });

    [Test]
    public void Zeroing_without_driver_support_writes_zeros() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("memory", ("align", "512"));
        byte[] bytes = _fixture.Memory.Storage("disk").Bytes;
        bytes.AsSpan().Fill(0xFF);
        await backend.WriteZeroesAsync(100, 2000);
        Assert.That(bytes.AsSpan(100, 2000).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "the range is zero");
        Assert.That(bytes[99], Is.EqualTo(0xFF), "the byte before is kept");
        Assert.That(bytes[2100], Is.EqualTo(0xFF), "the byte after is kept");
    });

    [TestCase("on", RequestFlags.None)]
    [TestCase("unmap", RequestFlags.MayUnmap)]
    public void Written_zeros_become_a_zero_write_where_asked(string mode, RequestFlags flags) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("memory", ("detect-zeroes", mode), ("discard", "unmap"), ("zeroes", "on"));
        MemoryStorage storage = _fixture.Memory.Storage("disk");
        storage.Bytes.AsSpan().Fill(0xFF);
        await backend.WriteAsync(512, new byte[1024]);
        await backend.WriteAsync(0, new byte[] { 0, 0, 1 });
        Assert.That(storage.Log[0], Is.EqualTo(new MemoryRequest(RequestKind.WriteZeroes, 512, 1024, flags)), "no buffer reached the driver");
        Assert.That(storage.Log[1].Kind, Is.EqualTo(RequestKind.Write), "other data is written as it is");
        Assert.That(storage.Bytes.AsSpan(512, 1024).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "zero it is");
    });

    [Test]
    public void A_drain_waits_for_what_flies_and_holds_back_what_comes() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.Graph.OpenAsync(new OptionsDictionary { { "driver", "scripted" } });
        Task flying = backend.ReadAsync(0, new byte[1]).AsTask();
        Task<DrainScope> drain = backend.DrainAsync().AsTask();
        await _fixture.Context.YieldAsync();
        Assert.That(drain.IsCompleted, Is.False, "the read is still in flight");
        Assert.That(_fixture.Scripted.DrainDepth, Is.EqualTo(1), "the driver was told");
        Task held = backend.ReadAsync(1, new byte[1]).AsTask();
        _fixture.Scripted.Pending[0].Succeed();
        DrainScope scope = await drain;
        Assert.That(flying.IsCompletedSuccessfully, Is.True, "done when the drain has begun");
        Assert.That(_fixture.Scripted.Pending, Is.Empty, "the second read is held back");
        await scope.DisposeAsync();
        while (_fixture.Scripted.Pending.Count == 0)
        {
            await _fixture.Context.YieldAsync();
        }

        _fixture.Scripted.Pending[0].Succeed();
        await held;
        Assert.That(_fixture.Scripted.DrainDepth, Is.Zero, "the drain is over for the driver");
    });

    [Test]
    public void Closing_one_backend_does_not_wait_for_another_of_the_same_node() => _fixture.Run(async () =>
    {
        await using BlockBackend first = await _fixture.Graph.OpenAsync(new OptionsDictionary { { "driver", "scripted" } }, new BackendOptions { ShareWrite = true });
        BlockBackend second = await _fixture.Graph.AttachBackendAsync(first.Root!, new BackendOptions { ShareWrite = true });
        Task flying = first.ReadAsync(0, new byte[1]).AsTask();
        await second.DisposeAsync();
        Assert.That(flying.IsCompleted, Is.False, "the first one's read is still in flight");
        Assert.That(_fixture.Graph.Backends, Has.Count.EqualTo(1), "the second is gone");
        _fixture.Scripted.Pending[0].Succeed();
        await flying;
    });

    private static async Task<BlockException> ThrowsAsync(Func<ValueTask> request)
    {
        try
        {
            await request();
        }
        catch (BlockException error)
        {
            return error;
        }

        throw new AssertionException("no BlockException was thrown");
    }

    private Task<BlockBackend> OpenAsync(string driver, params (string Key, string Value)[] options)
    {
        OptionsDictionary dictionary = new() { { "driver", driver }, { "filename", "disk" } };
        foreach ((string key, string value) in options)
        {
            dictionary[key] = value;
        }

        return _fixture.Graph.OpenAsync(dictionary);
    }
}
