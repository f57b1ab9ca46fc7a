using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>Zero writes and discards, statement by statement of the reference, beyond what <see cref="RequestShapeTests"/> shows of their shape.</summary>
[TestFixture]
public sealed class ZeroWriteTests : GraphTests
{
    private const int Mebi = 1 << 20;
    private readonly LimitedProtocol _limited = new();

    protected override GraphFixture CreateFixture() => new(drivers: [_limited, new RawDriver()]);

    [SetUp]
    public void Clear() => _limited.Clear();

    [Test]
    public void Buffers_of_zeros_are_no_longer_than_16_MiB() => Fixture.Run(async () =>
    {
        ScriptedNode disk = await OpenScriptedAsync("driver=scripted,node-name=disk,size=64M");
        List<(long, long)> writes = [];
        disk.Arrived = request => writes.Add((request.Offset, request.LengthBytes));
        await Backend.WriteZeroesAsync(5, 40 * Mebi);
        Assert.That(writes, Is.EqualTo(new (long, long)[] { (5, 16 * Mebi), (5 + (16 * Mebi), 16 * Mebi), (5 + (32 * Mebi), 8 * Mebi) }), "whatever the driver takes");
    });

    [Test]
    public void Buffers_of_zeros_are_no_longer_than_the_driver_takes_and_are_zeros() => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("disk", 64 * 1024).Bytes.AsSpan().Fill(9);
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,align=512");
        await backend.WriteZeroesAsync(100, 50_000);
        byte[] bytes = Fixture.Memory.Storage("disk").Bytes;
        Assert.That(bytes.AsSpan(100, 50_000).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "the range");
        Assert.That((bytes[99], bytes[50_100]), Is.EqualTo(((byte)9, (byte)9)), "the bytes around");
        _limited.Log.Clear();
        BlockBackend limited = await Fixture.OpenAsync("driver=limited");
        await limited.WriteZeroesAsync(0, 10_240);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "write 0+4096", "write 4096+4096", "write 8192+2048" }), "pieces of at most 4096");
    });

    [Test]
    public void The_head_up_to_the_alignment_is_no_longer_than_a_transfer() => Fixture.Run(async () =>
    {
        _limited.ZeroesEfficiently = true;
        _limited.RangeAlignmentBytes = 16384;
        _limited.WriteZeroesBytesMax = null;
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        await backend.WriteZeroesAsync(512, (3 * 16384) + 512);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "zero 512+4096", "zero 4608+4096", "zero 8704+4096", "zero 12800+3584", "zero 16384+32768", "zero 49152+1024" }), "head, bulk, tail");
    });

    [Test]
    public void A_longest_zero_write_that_is_no_multiple_of_the_alignment_is_rounded_down() => Fixture.Run(async () =>
    {
        _limited.ZeroesEfficiently = true;
        _limited.RangeAlignmentBytes = 4096;
        _limited.WriteZeroesBytesMax = 10_240;
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        await backend.WriteZeroesAsync(0, 5 * 4096);
        Assert.That(_limited.Log, Is.EqualTo(new[] { "zero 0+8192", "zero 8192+8192", "zero 16384+4096" }), "every piece begins at a multiple");
    });

    [Test]
    public void A_zero_write_must_not_fall_back_where_it_is_unaligned_and_changes_nothing() => Fixture.Run(async () =>
    {
        _limited.ZeroesEfficiently = true;
        BlockBackend backend = await Fixture.OpenAsync("driver=limited,node-name=n");
        foreach ((long offset, long length) in new[] { (1L, 512L), (0, 513), (511, 2), (1, 5000) })
        {
            BlockException refusal = await Failure.OfRequestAsync(() => backend.WriteZeroesAsync(offset, length, RequestFlags.NoFallback));
            Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.NotSupported, "Zeroing an unaligned range of node 'n' needs a slow path")), $"{offset}+{length}");
        }

        Assert.That(_limited.Log, Is.Empty, "not even the aligned middle was zeroed");
    });

    [Test]
    public void What_fails_in_the_middle_of_a_zero_write_is_the_drivers_error() => Fixture.Run(async () =>
    {
        ScriptedNode disk = await OpenScriptedAsync("driver=scripted,node-name=disk");
        disk.TakesZeroes = true;
        disk.Fail(RequestKind.WriteZeroes, BlockErrorKind.NoSpace);
        Assert.That((await Failure.OfRequestAsync(() => Backend.WriteZeroesAsync(0, 4096))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "it is no reason to write buffers");
        Assert.That(disk.ArrivedCount, Is.EqualTo(1), "one request");
    });

    [TestCase(true)]
    [TestCase(false)]
    public void A_zero_write_beyond_the_end_makes_the_child_longer(bool canZero) => Fixture.Run(async () =>
    {
        // blk -> top (may resize) -> [raw ->] disk of 4096 bytes
        Fixture.Memory.Storage("disk", 4096).Bytes.AsSpan().Fill(7);
        string zeroes = canZero ? "on" : "off";
        await using BlockBackend backend = await Fixture.OpenAsync($"driver=any-role,file.driver=raw,file.file.driver=memory,file.file.filename=disk,file.file.zeroes={zeroes},file.file.align=512");
        BlockChild edge = backend.Root!.FileChild!;
        await edge.WriteZeroesAsync(3584, 2048, RequestFlags.None, default);
        byte[] bytes = Fixture.Memory.Storage("disk").Bytes;
        Assert.That((bytes.Length, edge.LengthBytes), Is.EqualTo((5632, 5632L)), "the lengths");
        Assert.That(bytes.AsSpan(3584).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "zeros, inside and beyond");
        Assert.That(bytes[3583], Is.EqualTo(7), "the byte before");
        await edge.WriteZeroesAsync(8192, 512, RequestFlags.None, default);
        Assert.That(edge.LengthBytes, Is.EqualTo(8704), "with a gap");
        Assert.That(Fixture.Memory.Storage("disk").Log.Count(r => r.Kind == RequestKind.WriteZeroes), Is.EqualTo(canZero ? 2 : 0), "by the driver's own means where it has some");
    });

    [Test]
    public void A_zero_write_beyond_the_end_that_must_not_fall_back_changes_nothing_where_the_driver_cannot() => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("disk", 4096).Bytes.AsSpan().Fill(7);
        await using BlockBackend backend = await Fixture.OpenAsync("driver=any-role,file.driver=memory,file.filename=disk,file.node-name=n");
        BlockException refusal = await Failure.OfRequestAsync(() => backend.Root!.FileChild!.WriteZeroesAsync(0, 8192, RequestFlags.NoFallback, default));
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.NotSupported, "Node 'n' cannot zero efficiently")), "the refusal");
        Assert.That(Fixture.Memory.Storage("disk").Bytes, Has.Length.EqualTo(4096).And.All.EqualTo((byte)7), "the bytes");
    });

    [Test]
    public void A_zero_write_beyond_the_end_of_a_format_makes_it_longer() => Fixture.Run(async () =>
    {
        // blk -> top (may resize) -> cow -> disk
        CowImage.Format(Fixture.Memory.Storage("disk"), new CowImageOptions(8192));
        await using BlockBackend backend = await Fixture.OpenAsync("driver=any-role,file.driver=cow,file.file.driver=memory,file.file.filename=disk");
        BlockChild edge = backend.Root!.FileChild!;
        await edge.WriteAsync(0, Filled(8192, 5), RequestFlags.None, default);
        await edge.WriteZeroesAsync(4096, 12_288, RequestFlags.None, default);
        byte[] read = new byte[16_384];
        await edge.ReadAsync(0, read, RequestFlags.None, default);
        Assert.That(edge.LengthBytes, Is.EqualTo(16_384), "the length");
        Assert.That(read, Is.EqualTo((byte[])[.. Filled(4096, 5), .. new byte[12_288]]), "the bytes");
    });

    [Test]
    public void A_discard_beyond_the_end_makes_nothing_longer() => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("disk", 4096).Bytes.AsSpan().Fill(7);
        await using BlockBackend backend = await Fixture.OpenAsync("driver=any-role,file.driver=memory,file.filename=disk,file.discard=unmap");
        BlockChild edge = backend.Root!.FileChild!;
        await edge.DiscardAsync(2048, 8192, default);
        await edge.DiscardAsync(4096, 512, default);
        await edge.DiscardAsync(1 << 20, 512, default);
        Assert.That(Fixture.Memory.Storage("disk").Log, Is.EqualTo(new[] { new MemoryRequest(RequestKind.Discard, 2048, 2048, RequestFlags.None) }), "what lies inside");
        Assert.That(edge.LengthBytes, Is.EqualTo(4096), "the length");
        await Failure.OfRequestAsync(() => edge.DiscardAsync(-1, 512, default));
    });

    [TestCase(BlockErrorKind.NotSupported, false)]
    [TestCase(BlockErrorKind.InputOutput, true)]
    public void A_discard_that_the_driver_cannot_make_is_no_failure(BlockErrorKind error, bool isFailure) => Fixture.Run(async () =>
    {
        ScriptedNode disk = await OpenScriptedAsync("driver=scripted,node-name=disk,discard=unmap");
        await Backend.DiscardAsync(0, 4096);
        Assert.That(disk.ArrivedCount, Is.Zero, "a driver that says no");
        disk.TakesDiscards = true;
        disk.Fail(RequestKind.Discard, error);
        Task discard = Backend.DiscardAsync(0, 4096).AsTask();
        if (isFailure)
        {
            Assert.That((await Failure.OfAsync(() => discard)).Kind, Is.EqualTo(error), "a disk that is broken");
        }
        else
        {
            await discard;
        }
    });

    private BlockBackend Backend => Fixture.Graph.Backends.Single();

    private static byte[] Filled(int length, byte value)
    {
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private async Task<ScriptedNode> OpenScriptedAsync(string options)
    {
        await Fixture.OpenAsync(options);
        ScriptedNode disk = Fixture.Scripted.Node("disk");
        disk.Hold();
        return disk;
    }
}
