using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>What a user of the library holds: calls from anywhere, counters, refusals, status, flushes.</summary>
[TestFixture]
public sealed class BlockBackendTests : GraphTests
{
    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver(), new NullCoDriver()]);

    [Test]
    public void A_call_from_another_context_returns_there() => Fixture.Run(async () =>
    {
        VirtualTimeAioContext other = Fixture.World.CreateContext("other");
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,latency-ns-max=1000");
        await other.RunAsync(async () =>
        {
            byte[] buffer = [7];
            await backend.WriteAsync(0, buffer);
            Assert.That(other.IsHome, Is.True, "after a write");
            await backend.WriteZeroesAsync(1, 1);
            Assert.That(other.IsHome, Is.True, "after zeroes");
            await backend.FlushAsync();
            Assert.That(other.IsHome, Is.True, "after a flush");
            await backend.GetStatusAsync(0, 1);
            Assert.That(other.IsHome, Is.True, "after a status query");
            await Failure.OfRequestAsync(() => backend.ReadAsync(-1, buffer));
            Assert.That(other.IsHome, Is.True, "after a failure");
            await backend.DisposeAsync();
            Assert.That(other.IsHome, Is.True, "after the end");
        });
    });

    [Test]
    public void A_request_cancelled_before_it_starts_has_no_effect() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,discard=unmap");
        CancellationToken cancelled = new(canceled: true);
        foreach (Func<ValueTask> request in new Func<ValueTask>[]
        {
            () => backend.ReadAsync(0, new byte[1], cancel: cancelled),
            () => backend.WriteAsync(0, new byte[1], cancel: cancelled),
            () => backend.WriteZeroesAsync(0, 1, cancel: cancelled),
            () => backend.DiscardAsync(0, 1, cancelled),
            () => backend.FlushAsync(cancelled),
        })
        {
            await Failure.OfAsync<OperationCanceledException>(async () => await request());
        }

        Assert.That(Fixture.Memory.Storage("disk").Log, Is.Empty, "nothing reached the driver");
        Assert.That(backend.InFlightCount, Is.Zero, "nothing flies");
    });

    [Test]
    public void Requests_are_counted_by_kind_with_bytes_time_and_failures() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=null-co,latency-ns=1000,discard=unmap");
        await backend.ReadAsync(0, new byte[100]);
        await Task.WhenAll(backend.WriteAsync(0, new byte[10]).AsTask(), backend.WriteAsync(10, new byte[20]).AsTask());
        await backend.WriteZeroesAsync(0, 4096);
        await backend.DiscardAsync(0, 512);
        await backend.FlushAsync();
        await Failure.OfRequestAsync(() => backend.ReadAsync(-1, new byte[1]));
        (RequestKind Kind, long Operations, long Bytes, long Ns)[] expected =
        [
            (RequestKind.Read, 1, 100, 1000), (RequestKind.Write, 2, 30, 2000), (RequestKind.WriteZeroes, 1, 4096, 1000), (RequestKind.Discard, 1, 512, 1000), (RequestKind.Flush, 1, 0, 1000),
        ];
        Assert.That(
            expected.Select(e => (e.Kind, backend.GetCounters(e.Kind).OperationCount, backend.GetCounters(e.Kind).ByteCount, backend.GetCounters(e.Kind).TotalNs)),
            Is.EqualTo(expected),
            "operations, bytes, nanoseconds; what was refused at the door is not counted");
        Assert.That(backend.GetCounters(RequestKind.Read) == backend.GetCounters(RequestKind.Discard), Is.False, "counters compare");
        Assert.That(backend.GetCounters(RequestKind.Read) != backend.GetCounters(RequestKind.Read), Is.False, "and agree with themselves");
    });

    [Test]
    public void A_failed_request_counts_no_bytes() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,align=512");
        Fixture.Memory.Storage("disk").FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[512]));
        await Failure.OfRequestAsync(() => backend.WriteAsync(1, new byte[5]));
        await Failure.OfRequestAsync(() => backend.WriteZeroesAsync(1, 5));
        Assert.That((backend.GetCounters(RequestKind.Write).OperationCount, backend.GetCounters(RequestKind.Write).FailedCount, backend.GetCounters(RequestKind.Write).ByteCount), Is.EqualTo((2L, 2L, 0L)), "writes");
        Assert.That(backend.GetCounters(RequestKind.WriteZeroes).FailedCount, Is.EqualTo(1), "zeroes");
        Assert.That(backend.InFlightCount, Is.Zero, "nothing flies");
    });

    [Test]
    public void A_read_only_backend_refuses_what_changes_anything() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=n,discard=unmap", new BackendOptions { ReadOnly = true });
        Assert.That(backend.IsReadOnly, Is.True, "it says so");
        BlockException write = await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[1]));
        Assert.That((write.Kind, write.Message), Is.EqualTo((BlockErrorKind.NotPermitted, "Block node is read-only: no write through 'n'")), "write");
        Assert.That((await Failure.OfRequestAsync(() => backend.WriteZeroesAsync(0, 1))).Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "zeroes");
        Assert.That((await Failure.OfRequestAsync(() => backend.DiscardAsync(0, 1))).Message, Is.EqualTo("Block node is read-only: no discard through 'n'"), "discard");
        await backend.ReadAsync(0, new byte[1]);
        await backend.FlushAsync();
    });

    [TestCase(-1, 1)]
    [TestCase(0, -1)]
    [TestCase((1 << 20) - 1, 2)]
    [TestCase(long.MaxValue, 1)]
    [TestCase(1, long.MaxValue)]
    public void A_range_outside_the_image_is_refused(long offset, long length) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=n,discard=unmap");
        BlockException zero = await Failure.OfRequestAsync(() => backend.WriteZeroesAsync(offset, length));
        Assert.That((zero.Kind, zero.Message), Is.EqualTo((BlockErrorKind.InputOutput, $"The range {offset}+{length} lies outside the image of 1048576 bytes (node 'n')")), "zeroes");
        Assert.That((await Failure.OfRequestAsync(() => backend.DiscardAsync(offset, length))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "discard");
        Assert.That(Fixture.Memory.Storage("disk").Log, Is.Empty, "nothing reached the driver");
    });

    [Test]
    public void After_the_end_there_is_no_medium() => Fixture.Run(async () =>
    {
        BlockBackend named = await Fixture.OpenAsync("driver=null-co", new BackendOptions { Name = "drive" });
        BlockBackend unnamed = await Fixture.OpenAsync("driver=null-co");
        Assert.That((named.Description, unnamed.Description), Is.EqualTo(("block device 'drive'", "an unnamed block device")), "descriptions");
        await named.DisposeAsync();
        await unnamed.DisposeAsync();
        await named.DisposeAsync();
        Assert.That((await Failure.OfRequestAsync(() => named.ReadAsync(0, new byte[1]))).Message, Is.EqualTo("Device 'drive' has no medium"), "read");
        Assert.That((await Failure.OfRequestAsync(() => unnamed.FlushAsync())).Message, Is.EqualTo("No medium found"), "flush");
        Assert.That((await Failure.OfRequestAsync(async () => await named.GetStatusAsync(0, 1))).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "status");
        Assert.That(() => named.DrainAsync(), Throws.TypeOf<BlockException>(), "drain");
        Assert.That((named.LengthBytes, named.IsReadOnly, named.Root), Is.EqualTo((0L, true, (BlockNode?)null)), "nothing is left");
        Assert.That(() => Fixture.Graph.LookUp("drive"), Throws.TypeOf<BlockException>(), "its name is free");
    });

    [Test]
    public void A_status_query_goes_through_layers_that_add_nothing() => Fixture.Run(async () =>
    {
        // pass-through -> raw (+4096, 8192 long) -> null-co
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,file.driver=raw,file.offset=4096,file.size=8192,file.file.driver=null-co,file.file.read-zeroes=on,file.file.node-name=disk");
        BlockStatus status = await backend.GetStatusAsync(512, 1 << 20);
        Assert.That(status.LengthBytes, Is.EqualTo(8192 - 512), "clamped to the window");
        Assert.That(status.Flags, Is.EqualTo(BlockStatusFlags.Zero | BlockStatusFlags.Allocated | BlockStatusFlags.OffsetValid | BlockStatusFlags.EndOfFile), "the storage's answer, and the window's end");
        Assert.That(status.HostOffset, Is.EqualTo(4096 + 512), "where it lies");
        Assert.That(((BlockChild)status.HostChild!).Node.Name, Is.EqualTo("disk"), "in the storage");
        Assert.That((await backend.GetStatusAsync(0, 100)).Flags & BlockStatusFlags.EndOfFile, Is.EqualTo(BlockStatusFlags.None), "not at the end");
        Assert.That(await backend.GetStatusAsync(8192, 1), Is.EqualTo(new BlockStatus(BlockStatusFlags.EndOfFile, 0)), "at the end");
        Assert.That((await Failure.OfRequestAsync(async () => await backend.GetStatusAsync(-1, 1))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "no range");
    });

    [Test]
    public void A_plain_storage_answers_for_itself() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,file.driver=memory,file.filename=disk");
        BlockStatus status = await backend.GetStatusAsync(10, 20);
        Assert.That(status, Is.EqualTo(new BlockStatus(BlockStatusFlags.Data | BlockStatusFlags.Allocated | BlockStatusFlags.OffsetValid, 20, 10, backend.RootEdge!.Node.FileChild)), "data, where it lies");
    });

    [TestCase("driver=memory,filename=disk", 1)]
    [TestCase("driver=memory,filename=disk,cache.no-flush=on", 0)]
    [TestCase("driver=memory,filename=disk,read-only=on", 0)]
    [TestCase("driver=raw,cache.no-flush=on,file.driver=memory,file.filename=disk", 0, Description = "inherited")]
    [TestCase("driver=raw,file.driver=memory,file.filename=disk", 1)]
    public void A_flush_reaches_storage_that_is_written_and_wants_it(string options, int flushCount) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync(options);
        if (!backend.Root!.IsReadOnly)
        {
            await backend.WriteAsync(0, new byte[1]);
        }

        await backend.FlushAsync();
        Assert.That(Fixture.Memory.Storage("disk").Log.Count(r => r.Kind == RequestKind.Flush), Is.EqualTo(flushCount), "flushes");
    });

    [Test]
    public void A_flush_does_not_reach_a_child_that_is_only_read() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=any-role,file.driver=memory,file.filename=disk,backing.driver=memory,backing.filename=base");
        await backend.WriteAsync(0, new byte[1]);
        await backend.FlushAsync();
        Assert.That(Fixture.Memory.Storage("disk").Log.Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Write, RequestKind.Flush }), "the file");
        Assert.That(Fixture.Memory.Storage("base").Log, Is.Empty, "the backing node");
    });

    [Test]
    public void Segments_are_filled_and_written_in_their_order() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,align=512");
        await backend.WriteAsync(5, new IoVector(new IoSegments(new byte[] { 1, 2 }, Array.Empty<byte>(), new byte[] { 3 })));
        byte[] a = new byte[1];
        byte[] b = new byte[2];
        await backend.ReadAsync(5, new IoVector(new IoSegments(a, b)));
        Assert.That((a[0], b[0], b[1]), Is.EqualTo(((byte)1, (byte)2, (byte)3)), "across the pieces");
    });
}
