using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Preallocate;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Preallocate;

/// <summary>
/// The filter below a user that may write and resize. Numbers and order are those observed of qemu-io and qemu-storage-daemon 7.2 with
/// <c>driver=preallocate</c>.
/// <code>
///   blk -> grower (any-role) -> p (preallocate) -> f (faulty, 64 KiB)
/// </code>
/// </summary>
[TestFixture]
public sealed class PreallocateTests
{
    private const int Kibi = 1024;
    private const int Mebi = 1 << 20;
    private const string Below = "driver=preallocate,node-name=p,prealloc-size=1M,prealloc-align=64k,file.driver=faulty,file.node-name=f,file.filename=disk,file.zeroes=on,discard=unmap";

    private GraphFixture _fixture = null!;
    private BlockBackend _blk = null!;

    private FaultyDisk Disk => _fixture.Faulty.Disk("disk", 64 * Kibi);

    private List<MemoryRequest> Log => Disk.Storage.Log;

    private long FileBytes => Disk.Storage.Bytes.Length;

    private BlockNode P => _fixture.Graph.FindNode("p")!;

    private BlockChild Edge => _blk.Root!.FileChild!;

    [SetUp]
    public void SetUp() => _fixture = new GraphFixture(drivers: [new PreallocateDriver(), new RawDriver()]);

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void A_write_beyond_the_end_makes_the_file_longer_than_it_needs() => Run(async () =>
    {
        await WriteAsync(Mebi, 64 * Kibi);
        MemoryRequest[] expected = [new(RequestKind.WriteZeroes, 64 * Kibi, (2112 - 64) * Kibi, RequestFlags.NoFallback), new(RequestKind.Write, Mebi, 64 * Kibi, RequestFlags.None)];
        Assert.That(Log, Is.EqualTo(expected), "from the file's end to the write's, and prealloc-size more; then the write");
        Assert.That((P.LengthBytes, FileBytes), Is.EqualTo((1088L * Kibi, 2112L * Kibi)), "the node ends with its data, the file does not");
        Log.Clear();
        await WriteAsync(1100 * Kibi, 4 * Kibi);
        await WriteAsync(0, 4 * Kibi);
        Assert.That(Log.Select(r => (r.Kind, r.Offset)), Is.EqualTo(new[] { (RequestKind.Write, 1100L * Kibi), (RequestKind.Write, 0) }), "the next ones find space");
        Assert.That(P.LengthBytes, Is.EqualTo(1104 * Kibi), "the data end");
        await WriteAsync(2100 * Kibi, 64 * Kibi);
        Assert.That(Log[2], Is.EqualTo(new MemoryRequest(RequestKind.WriteZeroes, 2112 * Kibi, (3200 - 2112) * Kibi, RequestFlags.NoFallback)), "until it is used up");
    });

    [Test]
    public void What_is_allocated_ends_at_a_multiple() => Run(async () =>
    {
        await WriteAsync(64 * Kibi, 100);
        Assert.That(FileBytes, Is.EqualTo(1152 * Kibi), "64 KiB, 100 bytes and 1 MiB, rounded up to 64 KiB");
        Assert.That(P.LengthBytes, Is.EqualTo((64 * Kibi) + 100), "the data end");
    });

    [Test]
    public void A_reader_sees_no_reserve() => Run(async () =>
    {
        await WriteAsync(64 * Kibi, 4 * Kibi);
        byte[] read = new byte[8 * Kibi];
        await Edge.ReadAsync(64 * Kibi, read, RequestFlags.None, default);
        Assert.That(read.AsSpan(0, 4 * Kibi).IndexOfAnyExcept((byte)5), Is.EqualTo(-1), "the data");
        Assert.That(read.AsSpan(4 * Kibi).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "zeros behind it");
        BlockStatus status = await Edge.GetStatusAsync(BlockStatusQuery.Everything, 64 * Kibi, Mebi, default);
        Assert.That((status.LengthBytes, status.Flags & BlockStatusFlags.EndOfFile), Is.EqualTo((4L * Kibi, BlockStatusFlags.EndOfFile)), "the image ends with its data");
    });

    [Test]
    public void A_zero_write_into_the_reserve_does_nothing_more() => Run(async () =>
    {
        await Edge.WriteZeroesAsync(64 * Kibi, 64 * Kibi, RequestFlags.None, default);
        Assert.That(Log.Select(r => (r.Kind, r.Offset, r.LengthBytes)), Is.EqualTo(new[] { (RequestKind.WriteZeroes, 64L * Kibi, (long)Mebi + (64 * Kibi)) }), "one zero write for both");
        Log.Clear();
        await Edge.WriteZeroesAsync(200 * Kibi, 64 * Kibi, RequestFlags.MayUnmap, default);
        Assert.That((Log.Count, P.LengthBytes), Is.EqualTo((0, 264L * Kibi)), "none for what is there already");
        await Edge.WriteZeroesAsync(264 * Kibi, Kibi, RequestFlags.Fua, default);
        Assert.That(Log.Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.WriteZeroes, RequestKind.Flush }), "durable zeros are asked for");
        Assert.That(Disk.UnflushedCount, Is.Zero, "all of it is durable");
        await Edge.WriteZeroesAsync(264 * Kibi, 2 * Kibi, RequestFlags.None, default);
        Assert.That(Log[^1], Is.EqualTo(new MemoryRequest(RequestKind.WriteZeroes, 264 * Kibi, 2 * Kibi, RequestFlags.None)), "where it begins in the data it is made");
    });

    [Test]
    public void A_failed_write_keeps_the_reserve_from_being_taken_for_zeros() => Run(async () =>
    {
        await WriteAsync(64 * Kibi, 4 * Kibi);
        Disk.TearsWrites = true;
        Disk.FailNth(1, StorageCall.Write, BlockErrorKind.NoSpace);
        await Failure.OfRequestAsync(() => Edge.WriteAsync(68 * Kibi, Filled(64 * Kibi), RequestFlags.None, default));
        Assert.That(P.LengthBytes, Is.EqualTo(68 * Kibi), "it made nothing longer");
        Disk.Heal();
        await Edge.WriteZeroesAsync(68 * Kibi, 64 * Kibi, RequestFlags.None, default);
        byte[] read = new byte[64 * Kibi];
        await Edge.ReadAsync(68 * Kibi, read, RequestFlags.None, default);
        Assert.That(read, Is.All.Zero, "whatever the failed write has left");
    });

    [TestCase(BlockErrorKind.NotSupported, 1)]
    [TestCase(BlockErrorKind.InputOutput, 2)]
    [TestCase(BlockErrorKind.NoSpace, 2)]
    public void That_nothing_can_be_allocated_is_no_failure(BlockErrorKind error, int tries) => Run(async () =>
    {
        Disk.FailNth(1, StorageCall.WriteZeroes, error, isSticky: true);
        await WriteAsync(64 * Kibi, 4 * Kibi);
        await WriteAsync(68 * Kibi, 4 * Kibi);
        Assert.That((P.LengthBytes, FileBytes), Is.EqualTo((72L * Kibi, 72L * Kibi)), "the file grows with its data");
        Assert.That(Disk.CountOf(StorageCall.WriteZeroes), Is.EqualTo(tries), "who cannot is not asked again, who failed is");
        Disk.Heal();
        await WriteAsync(72 * Kibi, 4 * Kibi);
        Assert.That(FileBytes > 76 * Kibi, Is.EqualTo(tries == 2), "and when it can");
    });

    [Test]
    public void A_child_that_zeroes_by_buffers_only_is_left_as_it_is() => Run(
        async () =>
        {
            await WriteAsync(64 * Kibi, 4 * Kibi);
            Assert.That(Log.Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Write }), "no buffers of zeros");
            Assert.That(FileBytes, Is.EqualTo(68 * Kibi), "the file");
        },
        Below.Replace("file.zeroes=on", "file.zeroes=off", StringComparison.Ordinal));

    [Test]
    public void Many_writes_beyond_the_end_at_once_all_keep_their_bytes() => Run(
        async () =>
        {
            Task[] writes = [.. Enumerable.Range(0, 64).Select(i => Edge.WriteAsync((64 + (i * 40)) * Kibi, Filled(40 * Kibi, (byte)(i + 1)), RequestFlags.None, default).AsTask())];
            await Task.WhenAll(writes);
            Assert.That(P.LengthBytes, Is.EqualTo((64 + (64 * 40)) * Kibi), "the data end");
            byte[] read = new byte[64 * 40 * Kibi];
            await Edge.ReadAsync(64 * Kibi, read, RequestFlags.None, default);
            Assert.That(Enumerable.Range(0, read.Length).All(i => read[i] == (byte)((i / (40 * Kibi)) + 1)), Is.True, "each its own");
        },
        Below + ",file.latency-ns-max=5000");

    [Test]
    public void The_reserve_is_given_up_when_nobody_may_write_any_more() => Run(async () =>
    {
        await WriteAsync(Mebi, 64 * Kibi);
        await _blk.DisposeAsync();
        Assert.That((P.LengthBytes, FileBytes), Is.EqualTo((1088L * Kibi, 1088L * Kibi)), "the file ends with its data");
        await _fixture.Graph.RemoveNodeAsync("p");
        Assert.That(Log[^1].Kind, Is.EqualTo(RequestKind.Flush), "and that is made durable");
    });

    [Test]
    public void The_reserve_is_given_up_before_a_user_becomes_read_only() => Run(async () =>
    {
        await WriteAsync(Mebi, 64 * Kibi);
        await _blk.SetPermissionsAsync(new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All));
        await _fixture.Graph.ApplyAsync(GraphEdit.Reopen(_blk.Root!, GraphFixture.Options("read-only=on")));
        Assert.That((P.LengthBytes, FileBytes, Edge.Permissions.Required & BlockPermissions.Write), Is.EqualTo((1088L * Kibi, 1088L * Kibi, BlockPermissions.None)), "cut in the same change");
    });

    [Test]
    public void The_reserve_is_given_up_before_the_image_is_handed_over() => Run(async () =>
    {
        await WriteAsync(Mebi, 64 * Kibi);
        await _fixture.Graph.ApplyAsync(GraphEdit.Deactivate(_blk.Root!));
        Assert.That(FileBytes, Is.EqualTo(1088 * Kibi), "the other process sees the data's end");
        await _fixture.Graph.ApplyAsync(GraphEdit.Activate(_blk.Root!));
        await WriteAsync(1088 * Kibi, 64 * Kibi);
        Assert.That(FileBytes, Is.EqualTo(2176 * Kibi), "and afterwards there is another");
    });

    [Test]
    public void The_reserve_is_given_up_when_the_filter_is_taken_out() => Run(async () =>
    {
        await WriteAsync(Mebi, 64 * Kibi);
        await _fixture.Graph.ApplyAsync(GraphEdit.DropFilter(P));
        Assert.That((Edge.Node.Name, Edge.LengthBytes, FileBytes), Is.EqualTo(("f", 1088L * Kibi, 1088L * Kibi)), "its user sees the same image");
    });

    [Test]
    public void A_reserve_that_cannot_be_given_up_is_told_of() => Run(async () =>
    {
        List<string> warnings = [];
        using IDisposable subscription = _fixture.Graph.Events.Subscribe<BlockWarning>(warning => warnings.Add(warning.Message));
        await WriteAsync(Mebi, 64 * Kibi);
        Disk.FailNth(1, StorageCall.SetLength);
        await _blk.DisposeAsync();
        Assert.That(warnings, Is.EqualTo(new[] { "Node 'p': the space allocated beyond the data stays in node 'f': Input/output error" }), "the warning");
        Assert.That((P.LengthBytes, FileBytes), Is.EqualTo((1088L * Kibi, 2112L * Kibi)), "the node is as long as its data all the same");
    });

    [Test]
    public void A_change_that_fails_at_any_step_leaves_the_image_as_it_was() => Run(async () =>
    {
        await _blk.SetPermissionsAsync(new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All));
        int failing = 0;
        for (bool hasFailed = true; hasFailed; failing++)
        {
            await WriteAsync((64 + (4 * failing)) * Kibi, 4 * Kibi);
            (long data, int step) = (P.LengthBytes, 0);
            hasFailed = false;
            _fixture.StepHook = name =>
            {
                if (step++ == failing)
                {
                    hasFailed = true;
                    throw new BlockException($"'{name}' fails");
                }
            };
            Task change = _fixture.Graph.ApplyAsync(GraphEdit.Reopen(_blk.Root!, GraphFixture.Options("read-only=on")));
            await Task.WhenAny(change);
            _fixture.StepHook = null;
            Assert.That(change.IsFaulted, Is.EqualTo(hasFailed), $"step {failing}");
            Assert.That(P.LengthBytes, Is.EqualTo(data), $"step {failing}: the length");
            byte[] read = new byte[data - (64 * Kibi)];
            await Edge.ReadAsync(64 * Kibi, read, RequestFlags.None, default);
            Assert.That(read, Is.All.EqualTo((byte)5), $"step {failing}: the data");
        }

        Assert.That(failing, Is.GreaterThan(4), "steps");
        Assert.That(FileBytes, Is.EqualTo(P.LengthBytes), "in the end there is no reserve");
    });

    [Test]
    public void Who_may_grow_the_image_has_the_file_to_himself() => Run(async () =>
    {
        Assert.That(P.FileChild!.Permissions.Shared, Is.EqualTo(BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged), "what others may do to the file");
        BlockException refusal = await Failure.OfAsync(() => _fixture.Graph.AttachBackendAsync(P.FileChild.Node, new BackendOptions { ShareWrite = true }));
        Assert.That(
            refusal.Message,
            Is.EqualTo("Permission conflict on node 'f': permissions 'write' are both required by an unnamed block device (uses node 'f' as 'root' child) and unshared by node 'p' (uses node 'f' as 'file' child)."),
            "another writer");
    });

    [Test]
    public void Who_may_only_write_gets_no_reserve_and_is_not_held_up() => _fixture.Run(async () =>
    {
        Assert.That(Disk.CallCount, Is.Zero, "a disk of that length, and nothing else");
        await using BlockBackend blk = await _fixture.OpenAsync(Below);
        await blk.WriteAsync(0, new byte[512]);
        Assert.That(P.FileChild!.Permissions.Required & BlockPermissions.Resize, Is.EqualTo(BlockPermissions.None), "no more than its user needs");
        Assert.That(P.Instance.TryGetIdlePath(out BlockChild? child, out _), Is.True, "it is passed by");
        Assert.That(child, Is.SameAs(P.FileChild), "to the file");
    });

    [TestCase("prealloc-align=100", "prealloc-align parameter of preallocate filter is not aligned to 512")]
    [TestCase("prealloc-align=512,file.align=4096", "prealloc-align parameter of preallocate filter is not aligned to underlying node request alignment (4096)")]
    public void Alignments_that_do_not_fit_are_refused(string options, string text) => _fixture.Run(async () =>
    {
        BlockException refusal = await Failure.OfAsync(() => _fixture.OpenAsync($"driver=preallocate,{options},file.driver=memory,file.filename=disk"));
        Assert.That(refusal.Message, Is.EqualTo(text), "the refusal");
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "no node is left");
    });

    [TestCase("prealloc-align=0")]
    [TestCase("prealloc-size=0")]
    [TestCase("prealloc-size=12345")]
    public void Other_values_are_fine(string options) => Run(
        async () =>
        {
            await WriteAsync(64 * Kibi, 100);
            Assert.That(P.LengthBytes, Is.EqualTo((64 * Kibi) + 100), "the data end");
            Assert.That(FileBytes, Is.GreaterThanOrEqualTo((64 * Kibi) + 100), "the file's");
        },
        $"driver=preallocate,node-name=p,{options},file.driver=faulty,file.node-name=f,file.filename=disk,file.zeroes=on");

    [Test]
    public void A_reopen_changes_what_comes_and_keeps_what_is_there() => Run(async () =>
    {
        await WriteAsync(64 * Kibi, 64 * Kibi);
        await _fixture.Graph.ApplyAsync(GraphEdit.Reopen(P, GraphFixture.Options("prealloc-size=2M")));
        Assert.That(FileBytes, Is.EqualTo(1152 * Kibi), "the reserve");
        await WriteAsync(1100 * Kibi, 100 * Kibi);
        Assert.That(FileBytes, Is.EqualTo((1200 + 2048 + 16) * Kibi), "the next one");
        BlockException refusal = await Failure.OfAsync(() => _fixture.Graph.ApplyAsync(GraphEdit.Reopen(P, GraphFixture.Options("prealloc-align=1000"))));
        Assert.That(refusal.Message, Is.EqualTo("prealloc-align parameter of preallocate filter is not aligned to 512"), "a value that does not fit");
    });

    private static byte[] Filled(int length, byte value = 5)
    {
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private ValueTask WriteAsync(int offset, int length) => Edge.WriteAsync(offset, Filled(length), RequestFlags.None, default);

    private void Run(Func<Task> body, string below = Below) => _fixture.Run(async () =>
    {
        Assert.That(Disk.CallCount, Is.Zero, "a disk of that length, and nothing else");
        await _fixture.Graph.AddNodeAsync(GraphFixture.Options(below));
        _blk = await _fixture.OpenAsync("driver=any-role,file=p");
        Log.Clear();
        await body();
        await _blk.DisposeAsync();
    });
}
