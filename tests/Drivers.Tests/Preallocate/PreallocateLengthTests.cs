using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Filters.Preallocate;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Preallocate;

/// <summary>
/// The image gets other lengths while there is a reserve: 128 KiB of data, 1 MiB of reserve behind them. As observed of qcow2 over
/// <c>driver=preallocate</c> in QEMU 7.2.
/// <code>
///   blk -> grower (any-role) -> p (preallocate) -> f (faulty)
/// </code>
/// </summary>
[TestFixture]
public sealed class PreallocateLengthTests
{
    private const int Kibi = 1024;
    private const int DataBytes = 128 * Kibi;
    private const int FileBytes = 1152 * Kibi;

    private GraphFixture _fixture = null!;
    private BlockBackend _blk = null!;

    private FaultyDisk Disk => _fixture.Faulty.Disk("disk", 64 * Kibi);

    private BlockNode P => _fixture.Graph.FindNode("p")!;

    private BlockChild Edge => _blk.Root!.FileChild!;

    private (long Data, long File) Lengths => (P.LengthBytes, Disk.Storage.Bytes.Length);

    [SetUp]
    public void SetUp() => _fixture = new GraphFixture(drivers: [new PreallocateDriver()]);

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [TestCase(256 * Kibi, FileBytes, 0, Description = "from the reserve")]
    [TestCase(DataBytes, FileBytes, 0, Description = "nothing")]
    [TestCase(FileBytes, FileBytes, 1, Description = "all of it")]
    [TestCase(FileBytes + Kibi, FileBytes + Kibi, 1, Description = "all of it, and more")]
    public void With_falloc_it_grows_into_what_is_allocated(int length, int fileBytes, int requests) => Run(async () =>
    {
        int before = Disk.CountOf(StorageCall.SetLength);
        await ResizeAsync(length, PreallocationMode.Falloc);
        Assert.That(Lengths, Is.EqualTo(((long)length, (long)fileBytes)), "the lengths");
        Assert.That(Disk.CountOf(StorageCall.SetLength) - before, Is.EqualTo(requests), "what it took");
        await AssertBytesAsync(length);
    });

    [TestCase(PreallocationMode.Off, 256 * Kibi)]
    [TestCase(PreallocationMode.Full, 256 * Kibi)]
    [TestCase(PreallocationMode.Off, 4096 * Kibi)]
    public void Otherwise_it_grows_from_the_end_of_the_data(PreallocationMode mode, int length) => Run(async () =>
    {
        int before = Disk.CountOf(StorageCall.SetLength);
        await ResizeAsync(length, mode);
        Assert.That(Lengths, Is.EqualTo(((long)length, (long)length)), "no reserve is left");
        Assert.That(Disk.CountOf(StorageCall.SetLength) - before, Is.EqualTo(2), "the reserve is cut off, then the file grows");
        await AssertBytesAsync(length);
    });

    [TestCase(100 * Kibi)]
    [TestCase(DataBytes)]
    [TestCase(0)]
    public void It_shrinks_in_one_step(int length) => Run(async () =>
    {
        int before = Disk.CountOf(StorageCall.SetLength);
        await ResizeAsync(length, PreallocationMode.Off);
        Assert.That(Lengths, Is.EqualTo(((long)length, (long)length)), "the lengths");
        Assert.That(Disk.CountOf(StorageCall.SetLength) - before, Is.EqualTo(1), "one change");
        await WriteAsync(length, 4 * Kibi);
        Assert.That(P.LengthBytes, Is.EqualTo(length + (4 * Kibi)), "it grows again");
        Assert.That(Lengths.File, Is.GreaterThan(1024 * Kibi), "with a reserve");
    });

    [Test]
    public void After_a_failed_write_falloc_takes_nothing_from_the_reserve() => Run(async () =>
    {
        Disk.TearsWrites = true;
        Disk.FailNth(1, StorageCall.Write, BlockErrorKind.NoSpace);
        await Failure.OfRequestAsync(() => WriteAsync(DataBytes, 64 * Kibi));
        Disk.Heal();
        await ResizeAsync(256 * Kibi, PreallocationMode.Falloc);
        Assert.That(Lengths, Is.EqualTo((256L * Kibi, 256L * Kibi)), "it was cut off first");
        await AssertBytesAsync(256 * Kibi);
    });

    [TestCase(100 * Kibi, PreallocationMode.Off, 1)]
    [TestCase(256 * Kibi, PreallocationMode.Off, 1)]
    [TestCase(256 * Kibi, PreallocationMode.Full, 1)]
    [TestCase(256 * Kibi, PreallocationMode.Off, 2)]
    [TestCase(FileBytes + Kibi, PreallocationMode.Falloc, 1)]
    public void A_change_that_fails_at_any_step_leaves_the_image_as_it_was(int length, PreallocationMode mode, int failing) => Run(async () =>
    {
        Disk.FailNth(failing, StorageCall.SetLength, BlockErrorKind.NoSpace);
        BlockException error = await Failure.OfRequestAsync(() => ResizeAsync(length, mode));
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NoSpace), "it fails");
        Assert.That(P.LengthBytes, Is.EqualTo(DataBytes), "the length");
        await AssertBytesAsync(DataBytes);
        await ResizeAsync(length, mode);
        Assert.That(P.LengthBytes, Is.EqualTo(length), "and succeeds when it is tried again");
        await AssertBytesAsync(length);
    });

    [Test]
    public void A_resize_waits_for_writes_beyond_the_end_and_they_for_it() => Run(
        async () =>
        {
            Task first = WriteAsync(DataBytes, 64 * Kibi).AsTask();
            Task resize = ResizeAsync(512 * Kibi, PreallocationMode.Off).AsTask();
            Task second = WriteAsync(512 * Kibi, 64 * Kibi).AsTask();
            await Task.WhenAll(first, resize, second);
            byte[] read = new byte[576 * Kibi];
            await Edge.ReadAsync(0, read, RequestFlags.None, default);
            Assert.That(read.AsSpan(DataBytes, 64 * Kibi).IndexOfAnyExcept((byte)5), Is.EqualTo(-1), "the first write's bytes");
            Assert.That(read.AsSpan(192 * Kibi, 320 * Kibi).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "zeros");
            Assert.That(read.AsSpan(512 * Kibi).IndexOfAnyExcept((byte)5), Is.EqualTo(-1), "the second write's bytes");
        },
        "file.latency-ns-max=5000");

    private ValueTask ResizeAsync(long length, PreallocationMode mode) => Edge.WriteLengthAsync(length, isExact: true, mode, RequestFlags.None, default);

    private ValueTask WriteAsync(int offset, int length)
    {
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill(5);
        return Edge.WriteAsync(offset, bytes, RequestFlags.None, default);
    }

    // The data, as far as it was not cut off, and zeros.
    private async Task AssertBytesAsync(int length)
    {
        byte[] read = new byte[length];
        await Edge.ReadAsync(0, read, RequestFlags.None, default);
        int data = Math.Min(DataBytes, length);
        Assert.That(read.AsSpan(0, data).IndexOfAnyExcept((byte)5), Is.EqualTo(-1), "the data");
        Assert.That(read.AsSpan(data).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "zeros behind it");
    }

    private void Run(Func<Task> body, string more = "discard=unmap") => _fixture.Run(async () =>
    {
        Disk.Storage.Bytes.AsSpan().Fill(5);
        await _fixture.AddAsync($"driver=preallocate,node-name=p,prealloc-size=1M,prealloc-align=64k,file.driver=faulty,file.node-name=f,file.filename=disk,file.zeroes=on,{more}");
        _blk = await _fixture.OpenAsync("driver=any-role,file=p");
        await WriteAsync(64 * Kibi, 64 * Kibi);
        Assert.That(Lengths, Is.EqualTo(((long)DataBytes, (long)FileBytes)), "as drawn");
        await body();
        await _blk.DisposeAsync();
        Assert.That(Lengths.File, Is.EqualTo(P.LengthBytes), "in the end the file is as long as its data");
    });
}
