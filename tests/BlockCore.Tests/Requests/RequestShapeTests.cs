using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>What the core makes of a request before a driver sees it: padded, split, zeroed, flushed.</summary>
[TestFixture]
public sealed class RequestShapeTests : GraphTests
{
    private readonly LimitedProtocol _limited = new();

    protected override GraphFixture CreateFixture() => new(drivers: [_limited, new RawDriver()]);

    [SetUp]
    public void Clear() => _limited.Clear();

    [Test]
    public void A_request_longer_than_the_driver_takes_is_split() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        await backend.WriteAsync(512, new byte[10_000 / 512 * 512]);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "write 512+4096", "write 4608+4096", "write 8704+1536" }), "pieces of at most 4096");
    });

    [Test]
    public void An_unaligned_write_reads_the_edges_and_writes_whole_blocks() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        await backend.WriteAsync(100, new byte[2000]);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "read 0+512", "read 2048+512", "write 0+2560" }), "only the edges are read");
        _limited.Log.Clear();
        await backend.WriteAsync(600, new byte[500]);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "read 512+1024", "write 512+1024" }), "two neighbouring edges are read in one");
        _limited.Log.Clear();
        await backend.WriteAsync(512, new byte[1000]);
        await backend.WriteAsync(100, new byte[924]);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "read 1024+512", "write 512+1024", "read 0+512", "write 0+1024" }), "an edge that is aligned is not read");
    });

    [Test]
    public void An_unaligned_read_of_the_last_partial_block_reads_zeros_beyond_the_end() => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("odd", 1000).Bytes.AsSpan().Fill(7);
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=odd,align=512", new BackendOptions { ReadOnly = true });
        byte[] tail = new byte[101];
        await backend.ReadAsync(899, tail);
        Assert.That(tail, Has.All.EqualTo(7), "the tail");
        await Failure.OfRequestAsync(() => backend.ReadAsync(900, tail));
    });

    [Test]
    public void An_unaligned_write_into_the_last_partial_block_makes_the_image_whole_blocks() => Fixture.Run(async () =>
    {
        // QEMU writes whole blocks here as well, and the file grows to the end of its last.
        Fixture.Memory.Storage("odd", 1000).Bytes.AsSpan().Fill(7);
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,file.driver=memory,file.filename=odd,file.align=512,file.node-name=odd", new BackendOptions { CanResize = true });
        await backend.WriteAsync(990, new byte[] { 1, 2, 3 });
        byte[] bytes = Fixture.Memory.Storage("odd").Bytes;
        Assert.That(bytes, Has.Length.EqualTo(1024), "whole blocks");
        Assert.That(bytes.AsSpan(989, 5).ToArray(), Is.EqualTo(new byte[] { 7, 1, 2, 3, 7 }), "the bytes around");
        Assert.That(bytes.AsSpan(1000).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "zeros beyond the old end");
        Assert.That(backend.LengthBytes, Is.EqualTo(1024), "the filter above knows");
    });

    [TestCase(true)]
    [TestCase(false)]
    public void A_write_beyond_the_end_grows_the_image_and_everybody_above_knows(bool usesPlans)
    {
        // grower -> raw with an offset -> memory <- watcher
        using GraphFixture fixture = new(drivers: [new RawDriver(), new GrowingDriver()], graphOptions: new NodeGraphOptions { UsesPlans = usesPlans });
        fixture.Run(async () =>
        {
            fixture.Memory.Storage("small", 4096);
            await fixture.AddAsync("driver=memory,filename=small,node-name=small");
            BlockBackend grower = await fixture.OpenAsync("driver=growing,file.driver=raw,file.node-name=window,file.offset=1024,file.file=small");
            BlockNode watcher = await fixture.AddAsync("driver=pass-through,node-name=watcher,file=small");
            await grower.WriteAsync(0, new byte[] { 9, 9 });
            Assert.That(fixture.Graph.FindNode("small")!.LengthBytes, Is.EqualTo(4098), "the storage");
            Assert.That(fixture.Graph.FindNode("window")!.LengthBytes, Is.EqualTo(4098 - 1024), "the window");
            Assert.That(watcher.LengthBytes, Is.EqualTo(4098), "the other user");
            byte[] beyond = [5, 5, 5, 5];
            await grower.ReadAsync(0, beyond);
            Assert.That(beyond, Is.EqualTo(new byte[] { 0, 0, 0, 0 }), "what lies beyond the end reads as zeros");
        });
    }

    [Test]
    public void Beyond_the_end_nothing_is_written_without_the_permission_to_resize() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,file.driver=scripted,file.size=512,file.node-name=n");
        BlockChild edge = backend.Root!.FileChild!;
        BlockException error = await Failure.OfRequestAsync(() => edge.WriteAsync(512, new byte[1], RequestFlags.None, default));
        Assert.That(error.Message, Is.EqualTo("The range 512+1 lies outside node 'n' of 512 bytes"), "the text");
        Assert.That((await Failure.OfRequestAsync(() => edge.WriteZeroesAsync(512, 1, RequestFlags.None, default))).Message, Is.EqualTo(error.Message), "zeroing");
        await edge.DiscardAsync(512, 1, default);
        Assert.That((await Failure.OfRequestAsync(() => edge.ReadAsync(-1, new byte[1], RequestFlags.None, default))).Message, Is.EqualTo("The range -1+1 is no range of node 'n'"), "a negative offset");
        await Failure.OfRequestAsync(() => edge.ReadAsync(BlockLimits.LengthBytesMax, new byte[1], RequestFlags.None, default));
        Assert.That(Fixture.Scripted.Pending, Is.Empty, "nothing reached the driver");
    });

    [TestCase(RequestKind.Read)]
    [TestCase(RequestKind.Write)]
    [TestCase(RequestKind.WriteZeroes)]
    public void A_request_of_no_length_at_an_unaligned_offset_does_nothing(RequestKind kind) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        await (kind switch
        {
            RequestKind.Read => backend.ReadAsync(100, Array.Empty<byte>()),
            RequestKind.Write => backend.WriteAsync(100, Array.Empty<byte>()),
            _ => backend.WriteZeroesAsync(100, 0),
        });
        Assert.That(_limited.Log, Is.Empty, "no block was read or written for it");
        Assert.That(backend.GetCounters(kind).OperationCount, Is.EqualTo(1), "it counts as done");
    });

    [Test]
    public void A_zero_write_goes_to_the_driver_in_its_middle_and_as_buffers_at_its_edges() => Fixture.Run(async () =>
    {
        _limited.ZeroesEfficiently = true;
        BlockBackend backend = await Fixture.OpenAsync("driver=limited,discard=unmap");
        await backend.WriteZeroesAsync(500, 9000, RequestFlags.MayUnmap);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "read 0+512", "write 0+512", "read 9216+512", "write 9216+512", "zero 512+8192 MayUnmap", "zero 8704+512 MayUnmap" }), "split at 8192");
    });

    [TestCase(512, 20480, new[] { "512+3584", "4096+8192", "12288+8192", "20480+512" }, Description = "up to the first multiple, whole multiples, the rest")]
    [TestCase(4096, 4096, new[] { "4096+4096" })]
    [TestCase(512, 1024, new[] { "512+1024" }, Description = "no whole multiple at all")]
    [TestCase(3584, 1024, new[] { "3584+512", "4096+512" }, Description = "across a multiple")]
    public void Ranges_go_to_the_driver_in_the_multiples_that_it_prefers(long offset, long length, string[] ranges) => Fixture.Run(async () =>
    {
        _limited.ZeroesEfficiently = true;
        _limited.RangeAlignmentBytes = 4096;
        BlockBackend backend = await Fixture.OpenAsync("driver=limited,discard=unmap");
        await backend.WriteZeroesAsync(offset, length);
        Assert.That(_limited.Log, Is.EqualTo(ranges.Select(r => "zero " + r)), "the zero writes");
        _limited.Log.Clear();
        await backend.DiscardAsync(offset, length);
        Assert.That(_limited.Log, Is.EqualTo(ranges.Select(r => "discard " + r)), "the discards");
    });

    [Test]
    public void Without_discard_unmap_zeroing_may_not_deallocate() => Fixture.Run(async () =>
    {
        _limited.ZeroesEfficiently = true;
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        await backend.WriteZeroesAsync(0, 512, RequestFlags.MayUnmap);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "zero 0+512" }), "the flag is gone");
    });

    [Test]
    public void Zeroing_that_must_not_fall_back_fails_instead() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=limited,node-name=n");
        BlockException cannot = await Failure.OfRequestAsync(() => backend.WriteZeroesAsync(0, 512, RequestFlags.NoFallback));
        Assert.That((cannot.Kind, cannot.Message), Is.EqualTo((BlockErrorKind.NotSupported, "Node 'n' cannot zero efficiently")), "the driver cannot");
        BlockException unaligned = await Failure.OfRequestAsync(() => backend.WriteZeroesAsync(1, 512, RequestFlags.NoFallback));
        Assert.That(unaligned.Message, Is.EqualTo("Zeroing an unaligned range of node 'n' needs a slow path"), "the range is unaligned");
        Assert.That(_limited.Log, Has.None.StartsWith("write"), "nothing was written");
        Assert.That(backend.GetCounters(RequestKind.WriteZeroes).FailedCount, Is.EqualTo(2), "counted as failed");
    });

    [TestCase(true, 0, 512, new[] { "zero 0+512 Fua" }, Description = "the driver does it")]
    [TestCase(false, 0, 512, new[] { "write 0+512", "flush" }, Description = "the driver could not: buffers, made durable")]
    [TestCase(true, 1, 1023, new[] { "read 0+512", "write 0+512", "zero 512+512 Fua", "flush" }, Description = "the edges were buffers")]
    public void Force_unit_access_on_zeroes_holds_for_what_was_written_as_buffers_too(bool isEfficient, long offset, long length, string[] log) => Fixture.Run(async () =>
    {
        _limited.ZeroesEfficiently = isEfficient;
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        await backend.WriteZeroesAsync(offset, length, RequestFlags.Fua);
        Assert.That(_limited.Log, Is.EqualTo(log), "the calls");
    });

    [Test]
    public void Force_unit_access_on_a_split_request_is_one_flush() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        await backend.WriteAsync(0, new byte[8192], RequestFlags.Fua);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "write 0+4096", "write 4096+4096", "flush" }), "after the last piece");
    });

    [TestCase("unmap", new[] { "discard 512+8192", "discard 8704+512" })]
    [TestCase("on", new[] { "discard 512+8192", "discard 8704+512" })]
    [TestCase("ignore", new string[0])]
    [TestCase("off", new string[0])]
    public void A_discard_reaches_the_driver_only_with_discard_unmap_and_only_in_whole_blocks(string discard, string[] log) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync($"driver=limited,discard={discard}");
        await backend.DiscardAsync(1, 9500);
        await backend.DiscardAsync(1, 511);
        Assert.That(_limited.Log, Is.EqualTo(log), "the aligned part");
        Assert.That(backend.GetCounters(RequestKind.Discard).OperationCount, Is.EqualTo(2), "it succeeds all the same");
    });

    [TestCase(true)]
    [TestCase(false)]
    public void A_layer_that_ignores_discards_does_so_whether_it_is_skipped_or_not(bool usesPlans)
    {
        // raw (ignore) -> limited (unmap, inherited); and raw (unmap) -> raw (ignore) -> limited
        LimitedProtocol limited = new() { ZeroesEfficiently = true };
        using GraphFixture fixture = new(drivers: [limited, new RawDriver()], graphOptions: new NodeGraphOptions { UsesPlans = usesPlans });
        fixture.Run(async () =>
        {
            foreach (string options in new[] { "driver=raw,file.driver=limited", "driver=raw,discard=unmap,file.driver=raw,file.discard=ignore,file.file.driver=limited" })
            {
                await using BlockBackend backend = await fixture.OpenAsync(options);
                await backend.DiscardAsync(0, 512);
                await backend.WriteZeroesAsync(0, 512, RequestFlags.MayUnmap);
                await backend.ReadAsync(0, new byte[512]);
            }

            Assert.That(limited.Log.Where(l => l != "flush"), Is.EqualTo(new[] { "zero 0+512", "read 0+512", "zero 0+512", "read 0+512" }), "no discard, no deallocation");
        });
    }

    [Test]
    public void A_compressed_write_is_refused_where_the_driver_cannot() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=limited,node-name=n");
        BlockException error = await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[512], RequestFlags.WriteCompressed));
        Assert.That(error.Message, Is.EqualTo("Node 'n' cannot write compressed data"), "the text");
        Assert.That(_limited.Log, Is.Empty, "nothing was written");
    });

    [Test]
    public void A_driver_that_throws_at_once_fails_the_request_like_any_other() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        _limited.Thrown = new BlockException(BlockErrorKind.NoSpace, "full");
        Assert.That((await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[512]))).Message, Is.EqualTo("full"), "the driver's own error");
        Assert.That(backend.InFlightCount, Is.Zero, "it is over");
        _limited.Thrown = null;
        await backend.WriteAsync(0, new byte[512]);
    });

    [Test]
    public void A_driver_without_writing_refuses_it()
    {
        using GraphFixture fixture = new(drivers: [new ReadOnlyProtocol()]);
        fixture.Run(async () =>
        {
            BlockBackend backend = await fixture.OpenAsync("driver=reader,node-name=n");
            BlockException error = await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[1]));
            Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NotSupported, "Node 'n' cannot be written")), "by default");
            await backend.ReadAsync(0, new byte[1]);
            Assert.That((await backend.GetStatusAsync(0, 1)).Flags, Is.EqualTo(BlockStatusFlags.Data | BlockStatusFlags.Allocated | BlockStatusFlags.OffsetValid), "and has data everywhere");
        });
    }

    private sealed class ReadOnlyProtocol : BlockDriver
    {
        public override string Name => "reader";

        public override string Summary => "only what it must have";

        public override DriverCategory Category => DriverCategory.Protocol;

        public override OptionSchema Options { get; } = new();

        public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) => Task.FromResult<BlockDriverInstance>(new Image());

        private sealed class Image : BlockDriverInstance
        {
            protected internal override long GetLengthBytes() => 4096;

            protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => default;
        }
    }

    // Writes everything at the end of its child.
    private sealed class GrowingDriver : BlockDriver
    {
        public override string Name => "growing";

        public override string Summary => "appends";

        public override DriverCategory Category => DriverCategory.Format;

        public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the child"));

        public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) =>
            new Image(await context.OpenChildAsync("file", ChildRole.Data | ChildRole.Primary));

        private sealed class Image(BlockChild file) : BlockDriverInstance
        {
            protected internal override long GetLengthBytes() => 1 << 20;

            protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
                file.ReadAsync(file.LengthBytes + 10, buffer, flags, cancel);

            protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
                file.WriteAsync(file.LengthBytes, buffer, flags, cancel);
        }
    }
}
