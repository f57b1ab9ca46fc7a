using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>
/// A read that copies, step by step, at a layer that the test plays: what the driver is asked, in which order, with whose memory.
/// <code>
///   backend, copying on read
///      |
///     disk (scripted, clusters of 4096 bytes, nothing allocated)
/// </code>
/// </summary>
[TestFixture]
public sealed class CopyOnReadTests : GraphTests
{
    private const int Cluster = 4096;

    [Test]
    public void A_read_takes_whole_clusters_writes_them_down_and_only_then_gives_the_caller_his_part() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        byte[] mine = new byte[1000];
        Task read = backend.ReadAsync(Cluster + 100, mine).AsTask();
        await SettleAsync();
        PendingRequest fromBacking = Pending();
        Assert.That((fromBacking.Kind, fromBacking.Offset, fromBacking.LengthBytes), Is.EqualTo((RequestKind.Read, (long)Cluster, (long)Cluster)), "the whole cluster");
        fromBacking.Buffer.Fill(7);
        fromBacking.Succeed();
        await SettleAsync();
        PendingRequest written = Pending();
        Assert.That((written.Kind, written.Offset, written.LengthBytes), Is.EqualTo((RequestKind.Write, (long)Cluster, (long)Cluster)), "is written");
        Assert.That(written.Flags, Is.EqualTo(RequestFlags.WriteUnchanged), "as what is there already");
        Assert.That(mine, Is.All.Zero, "the caller has nothing yet");
        written.Succeed();
        await read;
        Assert.That(mine, Is.All.EqualTo((byte)7), "his part");
    });

    [Test]
    public void What_is_done_to_the_callers_buffer_meanwhile_does_not_reach_the_disk() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        byte[] mine = new byte[Cluster];
        Task read = backend.ReadAsync(0, mine).AsTask();
        await SettleAsync();
        Pending().Buffer.Fill(7);
        Array.Fill(mine, (byte)66);
        Pending().Succeed();
        await SettleAsync();
        Array.Fill(mine, (byte)66);
        byte[] written = new byte[Cluster];
        Pending().Buffer.CopyTo(written);
        Assert.That(written, Is.All.EqualTo((byte)7), "what was read, whatever the caller does");
        Pending().Succeed();
        await read;
        Assert.That(mine, Is.All.EqualTo((byte)7), "and so has he");
    });

    [Test]
    public void A_write_of_the_same_cluster_waits_for_the_copy_and_lasts() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        Task read = backend.ReadAsync(0, new byte[10]).AsTask();
        await SettleAsync();
        Task sameCluster = backend.WriteAsync(Cluster - 10, new byte[10]).AsTask();
        Task zeroes = backend.WriteZeroesAsync(100, 10).AsTask();
        Task nextCluster = backend.WriteAsync(Cluster, new byte[10]).AsTask();
        await SettleAsync();
        Assert.That(Fixture.Scripted.Pending.Select(p => (p.Kind, p.Offset)), Is.EqualTo(new[] { (RequestKind.Read, 0L), (RequestKind.Write, Cluster) }), "the next cluster is free");
        await FinishAsync(read, sameCluster, zeroes, nextCluster);
    });

    [Test]
    public void A_copying_read_waits_for_a_write_of_the_same_cluster() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        Task write = backend.WriteAsync(Cluster - 10, new byte[10]).AsTask();
        Task read = backend.ReadAsync(0, new byte[10]).AsTask();
        BlockException busy = await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[10], RequestFlags.NoWait));
        Assert.That(busy.Kind, Is.EqualTo(BlockErrorKind.Busy), "who does not want to wait is told");
        await SettleAsync();
        Assert.That(Pending().Kind, Is.EqualTo(RequestKind.Write), "the write alone");
        await FinishAsync(write, read);
    });

    [Test]
    public void What_is_allocated_goes_straight_to_the_caller_and_the_rest_by_a_copy() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        Disk.Status = (_, offset, length) => offset < Cluster
            ? new BlockStatus(BlockStatusFlags.Data, Math.Min(length, Cluster - offset))
            : new BlockStatus(BlockStatusFlags.None, length);
        byte[] mine = new byte[2 * Cluster];
        List<(RequestKind Kind, long Offset, long Length)> seen = [];
        Disk.Hold();
        Disk.Arrived = request =>
        {
            seen.Add((request.Kind, request.Offset, request.LengthBytes));
            if (request.Kind == RequestKind.Read)
            {
                request.Buffer.Fill((byte)(1 + (request.Offset / Cluster)));
            }
        };
        await backend.ReadAsync(100, mine);
        Assert.That(seen, Is.EqualTo(new[] { (RequestKind.Read, 100L, Cluster - 100L), (RequestKind.Read, Cluster, 2L * Cluster), (RequestKind.Write, Cluster, 2L * Cluster) }), "two clusters are copied");
        Assert.That((mine[0], mine[Cluster - 101], mine[Cluster - 100], mine[^1]), Is.EqualTo(((byte)1, (byte)1, (byte)2, (byte)2)), "each byte at its place");
        seen.Clear();
        await backend.ReadAsync(0, new byte[2 * Cluster], RequestFlags.CopyOnRead | RequestFlags.Prefetch);
        Assert.That(seen, Is.EqualTo(new[] { (RequestKind.Read, (long)Cluster, (long)Cluster), (RequestKind.Write, (long)Cluster, (long)Cluster) }), "to prefetch is to copy, and no more");
    });

    [Test]
    public void Zeros_are_copied_as_zeros() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        Disk.TakesZeroes = true;
        Disk.Hold();
        List<(RequestKind, RequestFlags)> seen = [];
        Disk.Arrived = request => seen.Add((request.Kind, request.Flags));
        await backend.ReadAsync(0, new byte[10]);
        Assert.That(seen.Select(s => s.Item1), Is.EqualTo(new[] { RequestKind.Read, RequestKind.WriteZeroes }), "no buffer is written");
        Disk.TakesZeroes = false;
        await backend.ReadAsync(0, new byte[10]);
        Assert.That(seen[^1].Item1, Is.EqualTo(RequestKind.Write), "where the driver cannot, one is");
    });

    [Test]
    public void Pieces_are_of_sixteen_mebibytes_at_most() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("64M");
        Disk.Hold();
        List<long> lengths = [];
        Disk.Arrived = request =>
        {
            lengths.Add(request.LengthBytes);
            request.Buffer.Fill(1);
        };
        await backend.ReadAsync(0, new byte[40 << 20], RequestFlags.Prefetch);
        Assert.That(lengths, Is.EqualTo(new long[] { 16 << 20, 16 << 20, 16 << 20, 16 << 20, 8 << 20, 8 << 20 }), "read and written, three times");
    });

    [Test]
    public void An_inactive_image_is_read_and_not_written() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        await Fixture.Graph.ApplyAsync(GraphEdit.Deactivate(backend.Root!));
        byte[] mine = new byte[10];
        Disk.Hold();
        List<RequestKind> seen = [];
        Disk.Arrived = request => seen.Add(request.Kind);
        await backend.ReadAsync(100, mine);
        Assert.That(seen, Is.EqualTo(new[] { RequestKind.Read }), "it is somebody else's");
        await Fixture.Graph.ApplyAsync(GraphEdit.Activate(backend.Root!));
        await backend.ReadAsync(100, mine);
        Assert.That(seen, Is.EqualTo(new[] { RequestKind.Read, RequestKind.Read, RequestKind.Write }), "until it comes back");
    });

    [Test]
    public void A_copy_that_cannot_be_written_fails_the_read() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        Disk.Hold();
        Disk.Fail(RequestKind.Write, BlockErrorKind.NoSpace);
        Disk.Arrived = request => request.Buffer.Fill(1);
        byte[] mine = new byte[10];
        Assert.That((await Failure.OfRequestAsync(() => backend.ReadAsync(0, mine))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "whoever asks for copies hears of it");
        Assert.That(mine, Is.All.Zero, "and gets nothing");
        Disk.Fail(RequestKind.Write, null);
        Disk.Status = (_, _, _) => throw new BlockException(BlockErrorKind.InputOutput, "nobody knows");
        await backend.ReadAsync(0, mine);
        Assert.That(mine, Is.All.EqualTo((byte)1), "where nobody knows what is allocated, it is copied");
    });

    [Test]
    public void An_empty_read_copies_nothing() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        await backend.ReadAsync(100, Array.Empty<byte>());
        Assert.That(Disk.ArrivedCount, Is.Zero, "not even a cluster around it");
    });

    [Test]
    public void A_single_read_may_ask_for_it_if_the_backend_may_write_what_is_there() => Fixture.Run(async () =>
    {
        Fixture.Scripted.ActsAsOverlay = true;
        await using BlockBackend backend = await Fixture.OpenAsync("driver=scripted,node-name=disk", new BackendOptions { ReadOnly = true });
        Disk.Status = (_, _, length) => new BlockStatus(BlockStatusFlags.None, length);
        Disk.Hold();
        BlockException refusal = await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[1], RequestFlags.CopyOnRead));
        Assert.That(refusal.Message, Is.EqualTo("Block node is read-only: no copy on read through 'disk'"), "refused");
        await backend.SetPermissionsAsync(new PermissionSet(BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged, BlockPermissions.All));
        await backend.ReadAsync(0, new byte[1], RequestFlags.CopyOnRead);
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(Disk.ArrivedCount, Is.EqualTo(3), "read and write for the first, a read for the second");
    });

    [Test]
    public void A_layer_that_cannot_have_a_backing_node_is_read_the_short_way() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        Fixture.Scripted.ActsAsOverlay = false;
        Fixture.Graph.BumpEpoch();
        Disk.Hold();
        Disk.Status = (_, _, _) => throw new BlockException("nobody asks");
        await backend.ReadAsync(10, new byte[10]);
        Assert.That(Disk.ArrivedCount, Is.EqualTo(1), "one read, of what was asked for");
    });

    private ScriptedNode Disk => Fixture.Scripted.Node("disk");

    private async Task<BlockBackend> OpenAsync(string size = "1M")
    {
        Fixture.Scripted.ActsAsOverlay = true;
        BlockBackend backend = await Fixture.OpenAsync($"driver=scripted,node-name=disk,size={size}", new BackendOptions { CopyOnRead = true });
        Disk.ClusterBytes = Cluster;
        Disk.SupportedWriteFlags = RequestFlags.WriteUnchanged;
        Disk.Status = (_, _, length) => new BlockStatus(BlockStatusFlags.None, length);
        return backend;
    }

    private PendingRequest Pending() => Fixture.Scripted.Pending.Single();

    private async Task FinishAsync(params Task[] tasks)
    {
        while (!Task.WhenAll(tasks).IsCompleted)
        {
            Disk.SucceedAll();
            await Fixture.Context.YieldAsync();
        }

        await Task.WhenAll(tasks);
    }

    private async Task SettleAsync()
    {
        for (int i = 0; i < 20; i++)
        {
            await Fixture.Context.YieldAsync();
        }
    }
}
