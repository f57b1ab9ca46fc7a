using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Raw;

/// <summary>The bytes of a file as they are, or a window of them, with plans and without.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class RawDriverTests(bool usesPlans)
{
    private const int FileBytes = 1 << 20;
    private GraphFixture _fixture = null!;

    private byte[] Disk => _fixture.Memory.Storage("disk").Bytes;

    [SetUp]
    public void SetUp() => _fixture = new GraphFixture(drivers: [new RawDriver()], graphOptions: new NodeGraphOptions { UsesPlans = usesPlans });

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [TestCase("", 0, FileBytes)]
    [TestCase(",offset=0", 0, FileBytes)]
    [TestCase(",offset=1000", 1000, FileBytes - 1000)]
    [TestCase(",offset=1M", FileBytes, 0)]
    [TestCase(",size=4096", 0, 4096)]
    [TestCase(",size=0", 0, 0)]
    [TestCase(",offset=512k,size=512k", FileBytes / 2, FileBytes / 2)]
    [TestCase(",offset=1000,size=512", 1000, 512)]
    public void A_window_shows_its_part_of_the_file(string window, int offset, int lengthBytes) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(window);
        Assert.That(backend.LengthBytes, Is.EqualTo(lengthBytes), "its length");
        if (lengthBytes == 0)
        {
            return;
        }

        Disk[offset] = 1;
        Disk[offset + lengthBytes - 1] = 2;
        byte[] all = new byte[lengthBytes];
        await backend.ReadAsync(0, all);
        Assert.That((all[0], all[^1]), Is.EqualTo(((byte)1, (byte)2)), "its first and last byte");
        await backend.WriteAsync(lengthBytes - 1, new byte[] { 3 });
        Assert.That(Disk[offset + lengthBytes - 1], Is.EqualTo(3), "written in place");
        await Failure.OfRequestAsync(() => backend.WriteAsync(lengthBytes, new byte[1]));
        await backend.WriteZeroesAsync(0, lengthBytes);
        Assert.That(Disk.AsSpan(offset, lengthBytes).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "zeroed in place");
    });

    // The texts are those of qemu-io 7.2, the two blanks in the second among them.
    [TestCase(",offset=2M", "Offset (2097152) cannot be greater than size of the containing file (1048576)")]
    [TestCase(",offset=512K,size=1M", "The sum of offset (524288) and size (1048576) has to be smaller or equal to the  actual size of the containing file (1048576)")]
    [TestCase(",size=2M", "The sum of offset (0) and size (2097152) has to be smaller or equal to the  actual size of the containing file (1048576)")]
    [TestCase(",size=1000", "Specified size is not multiple of 512")]
    [TestCase(",size=x", "Parameter 'size' expects a non-negative number below 2^64")]
    public void A_window_that_does_not_fit_is_refused(string window, string message) => _fixture.Run(async () =>
    {
        BlockException error = await Failure.OfAsync(() => OpenAsync(window));
        Assert.That(error.Message, Does.StartWith(message), "the text");
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "nothing is left");
        Assert.That(_fixture.Memory.Storage("disk").OpenCount, Is.Zero, "the file is closed");
    });

    [TestCase("", ChildRole.Filtered | ChildRole.Primary)]
    [TestCase(",offset=0", ChildRole.Filtered | ChildRole.Primary)]
    [TestCase(",offset=512", ChildRole.Data | ChildRole.Primary)]
    [TestCase(",size=512", ChildRole.Data | ChildRole.Primary)]
    public void Without_a_window_it_is_a_filter_and_with_one_it_holds_data(string window, ChildRole role) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(window);
        BlockChild file = backend.Root!.FileChild!;
        Assert.That(file.Role, Is.EqualTo(role), "the role");
        Assert.That((file.Permissions.Required & BlockPermissions.Resize) != 0, Is.EqualTo((role & ChildRole.Data) != 0), "data that is written may grow");
    });

    [Test]
    public void Discards_are_passed_on_at_their_place() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(",offset=1024,discard=unmap");
        Disk.AsSpan().Fill(0xFF);
        await backend.DiscardAsync(100, 200);
        Assert.That(Disk.AsSpan(1124, 200).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "let go");
        Assert.That((Disk[1123], Disk[1324]), Is.EqualTo(((byte)0xFF, (byte)0xFF)), "and no more");
    });

    [Test]
    public void A_status_query_is_answered_by_the_file() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(",offset=1024,size=2048");
        BlockStatus status = await backend.GetStatusAsync(1000, 5000);
        Assert.That(status.LengthBytes, Is.EqualTo(1048), "to the window's end");
        Assert.That(status.Flags, Is.EqualTo(BlockStatusFlags.Data | BlockStatusFlags.Allocated | BlockStatusFlags.OffsetValid | BlockStatusFlags.EndOfFile), "the file's answer at the window's end");
    });

    [Test]
    public void Force_unit_access_is_one_flush_of_the_file() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        await backend.WriteAsync(0, new byte[512], RequestFlags.Fua);
        Assert.That(_fixture.Memory.Storage("disk").Log.Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Write, RequestKind.Flush }), "the order");
    });

    [Test]
    public void A_failure_below_is_the_failure_above() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(",offset=512");
        _fixture.Memory.Storage("disk").FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        Assert.That((await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "the kind");
        Assert.That(backend.GetCounters(RequestKind.Write).FailedCount, Is.EqualTo(1), "counted once");
        _fixture.Memory.Storage("disk").FailWith(RequestKind.Write, null);
    });

    private Task<BlockBackend> OpenAsync(string window) => _fixture.OpenAsync($"driver=raw,file.driver=memory,file.filename=disk{window}");
}
