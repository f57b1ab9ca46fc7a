using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>Writes and the limits of requests, statement by statement of the reference, beyond what <see cref="RequestShapeTests"/> and <see cref="SerialisingTests"/> show.</summary>
[TestFixture]
public sealed class WriteTests : GraphTests
{
    private readonly LimitedProtocol _limited = new();

    protected override GraphFixture CreateFixture() => new(drivers: [_limited, new RawDriver()]);

    [SetUp]
    public void Clear() => _limited.Clear();

    [TestCase(RequestKind.Read)]
    [TestCase(RequestKind.Write)]
    public void Data_requests_are_no_longer_than_the_longest_multiple_of_512_an_int_holds(RequestKind kind) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=scripted,size=8G");
        IoVector tooLong = VectorOf(BlockLimits.RequestBytesMax + 1);
        BlockException error = await Failure.OfRequestAsync(() => Issue(backend, kind, tooLong));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.InputOutput, "A request of 2147483137 bytes is too long: the longest is 2147483136")), "one byte more");
        Assert.That(Fixture.Scripted.Pending, Is.Empty, "nothing reached the driver");
        Task longest = Issue(backend, kind, tooLong.Slice(0, BlockLimits.RequestBytesMax)).AsTask();
        Assert.That(Fixture.Scripted.Pending.Single().LengthBytes, Is.EqualTo(2147483136), "the longest goes through, in one piece");
        Fixture.Scripted.Pending[0].Succeed();
        await longest;
    });

    [TestCase(RequestKind.Read)]
    [TestCase(RequestKind.Write)]
    public void A_request_that_is_too_long_with_what_pads_it_is_refused(RequestKind kind) => Fixture.Run(async () =>
    {
        _limited.LengthBytes = 8L << 30;
        BlockBackend backend = await Fixture.OpenAsync("driver=limited");
        BlockException error = await Failure.OfRequestAsync(() => Issue(backend, kind, VectorOf(BlockLimits.RequestBytesMax), 1));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.InputOutput, "A request of 2147483648 bytes is too long: the longest is 2147483136")), "the refusal");
        Assert.That(_limited.Log, Is.Empty, "nothing reached the driver");
    });

    [Test]
    public void A_long_unaligned_request_uses_the_callers_memory_between_its_edges() => Fixture.Run(async () =>
    {
        const int Length = (20 << 20) + 100;
        Fixture.Memory.Storage("disk", 24 << 20).Bytes.AsSpan().Fill(9);
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,align=512");
        byte[] written = new byte[Length];
        new Random(5).NextBytes(written);
        await backend.WriteAsync(700, new IoVector(new IoSegments(written.AsMemory(0, 5000), written.AsMemory(5000))));
        byte[] bytes = Fixture.Memory.Storage("disk").Bytes;
        Assert.That(bytes.AsSpan(700, Length).SequenceEqual(written), Is.True, "what was written");
        Assert.That((bytes[699], bytes[512], bytes[700 + Length], bytes[^1]), Is.EqualTo(((byte)9, (byte)9, (byte)9, (byte)9)), "what was around it");
        byte[] read = new byte[Length];
        await backend.ReadAsync(700, read);
        Assert.That(read.AsSpan().SequenceEqual(written), Is.True, "and is read");
        Assert.That(
            Fixture.Memory.Storage("disk").Log.Select(r => (r.Kind, r.Offset, r.LengthBytes)),
            Is.EqualTo(new[] { (RequestKind.Read, 512L, 512L), (RequestKind.Read, 20_972_032, 512), (RequestKind.Write, 512, 20_972_032), (RequestKind.Read, 512, 20_972_032) }),
            "the edges, the whole, the whole");
    });

    [TestCase("on", true)]
    [TestCase("off", false)]
    public void Zeros_are_detected_only_where_the_driver_zeroes_efficiently(string zeroes, bool isZeroWrite) => Fixture.Run(async () =>
    {
        MemoryStorage disk = Fixture.Memory.Storage("disk", 1 << 22);
        await using BlockBackend backend = await Fixture.OpenAsync($"driver=memory,filename=disk,detect-zeroes=on,zeroes={zeroes}");
        await backend.WriteAsync(512, new byte[1 << 21]);
        RequestKind expected = isZeroWrite ? RequestKind.WriteZeroes : RequestKind.Write;
        Assert.That(disk.Log.Select(r => (r.Kind, r.LengthBytes)), Is.EqualTo(new[] { (expected, 1L << 21) }), "one request, of the caller's buffer");
    });

    [Test]
    public void A_write_through_a_reader_is_not_permitted() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,read-only=on", new BackendOptions { ReadOnly = true });
        foreach (RequestKind kind in new[] { RequestKind.Write, RequestKind.WriteZeroes, RequestKind.Discard })
        {
            BlockException error = await Failure.OfRequestAsync(() => kind switch
            {
                RequestKind.Write => backend.WriteAsync(0, new byte[1]),
                RequestKind.WriteZeroes => backend.WriteZeroesAsync(0, 1),
                _ => backend.DiscardAsync(0, 1),
            });
            Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotPermitted), kind.ToString());
        }

        Assert.That(Fixture.Memory.Storage("disk").Log, Is.Empty, "nothing reached the driver");
    });

    [TestCase(-1, 1)]
    [TestCase(1 << 20, 1)]
    [TestCase(1, 1 << 20)]
    [TestCase(long.MaxValue, 1)]
    public void Requests_of_a_backend_lie_inside_of_the_image(long offset, int length) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,discard=unmap");
        foreach (Func<ValueTask> request in new Func<ValueTask>[]
        {
            () => backend.ReadAsync(offset, new byte[length]),
            () => backend.WriteAsync(offset, new byte[length]),
            () => backend.WriteZeroesAsync(offset, length),
            () => backend.DiscardAsync(offset, length),
        })
        {
            Assert.That((await Failure.OfRequestAsync(request)).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "outside");
        }

        Assert.That(Fixture.Memory.Storage("disk").Log, Is.Empty, "nothing reached the driver");
    });

    [Test]
    public void An_unaligned_write_waits_for_what_it_overlaps_in_its_blocks() => Fixture.Run(async () =>
    {
        // Two bytes of one block of 512: the second reads the block when the first has written it.
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,align=512,latency-ns-max=1000");
        await Task.WhenAll(backend.WriteAsync(0, new byte[] { 1 }).AsTask(), backend.WriteAsync(511, new byte[] { 2 }).AsTask());
        Assert.That(Fixture.Memory.Storage("disk").Log.Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Read, RequestKind.Write, RequestKind.Read, RequestKind.Write }), "one after the other");
    });

    private static ValueTask Issue(BlockBackend backend, RequestKind kind, IoVector vector, long offset = 0) =>
        kind == RequestKind.Read ? backend.ReadAsync(offset, vector) : backend.WriteAsync(offset, vector);

    // Shows one mebibyte many times over.
    private static IoVector VectorOf(int length)
    {
        byte[] piece = new byte[1 << 20];
        return new IoVector(new IoSegments([.. Enumerable.Repeat<Memory<byte>>(piece, length >> 20), piece.AsMemory(0, length & ((1 << 20) - 1))]));
    }
}
