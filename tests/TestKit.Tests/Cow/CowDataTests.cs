using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.TestKit.Tests.Cow;

/// <summary>Where the bytes of an image come from and go to: data, zeros, the backing node, what lies beyond an end.</summary>
[TestFixture]
public sealed class CowDataTests : CowTests
{
    [Test]
    public void A_new_image_reads_as_zeros_and_keeps_what_is_written() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await OpenAsync(new CowImageOptions(10_000)))
        {
            Assert.That(await ReadAllAsync(backend), Is.All.Zero, "nothing is allocated");
            await backend.WriteAsync(4000, Filled(200, 7));
        }

        await using BlockBackend again = await OpenAsync();
        byte[] all = await ReadAllAsync(again);
        Assert.That(all.AsSpan(4000, 200).IndexOfAnyExcept((byte)7), Is.EqualTo(-1), "the bytes, across a boundary of clusters");
        Assert.That(all.Count(b => b != 0), Is.EqualTo(200), "and no others");
        Assert.That((await again.CheckAsync()).IsClean, "the table is right");
    });

    [Test]
    public void The_rest_of_a_cluster_comes_from_the_backing_node() => Fixture.Run(async () =>
    {
        // top (cow, 3 clusters) -> backing: memory, 2 clusters and a half
        FillMemory("base", (2 * Cluster) + 2048, 1);
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(3 * Cluster), ",backing.driver=memory,backing.filename=base");
        await backend.WriteAsync((2 * Cluster) + 1000, Filled(10, 2));
        byte[] expected = [.. Filled((2 * Cluster) + 2048, 1), .. new byte[2048]];
        Filled(10, 2).CopyTo(expected, (2 * Cluster) + 1000);
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "head and tail of the cluster, and zeros beyond the backing node's end");
        Assert.That(Fixture.Memory.Storage("base").Log.Exists(r => r.Kind == RequestKind.Write), Is.False, "the backing node is only read");
    });

    [Test]
    public void Two_first_writes_of_one_cluster_keep_both([Values(1, 2, 3, 4, 5)] int seed)
    {
        using GraphFixture world = new(new SimulationOptions { Seed = seed });
        CowImage.Format(world.Memory.Storage("disk"), new CowImageOptions(Cluster));
        world.Run(async () =>
        {
            await using BlockBackend backend = await world.OpenAsync("driver=cow,file.driver=memory,file.filename=disk,file.latency-ns-max=50000");
            await Task.WhenAll(Enumerable.Range(0, 8).Select(i => backend.WriteAsync(i * 512, Filled(512, (byte)(i + 1))).AsTask()));
            byte[] all = await ReadAllAsync(backend);
            Assert.That(Enumerable.Range(0, 8).Select(i => all[i * 512]), Is.EqualTo(Enumerable.Range(1, 8).Select(i => (byte)i)), $"seed {seed}: every piece");
            Assert.That((await backend.CheckAsync()).LeakCount, Is.Zero, $"seed {seed}: the cluster was taken once");
        });
    }

    [Test]
    public void A_zero_beside_a_write_in_one_cluster_keeps_both([Values(1, 2, 3, 4, 5)] int seed, [Values] bool hasBacking)
    {
        using GraphFixture world = new(new SimulationOptions { Seed = seed });
        CowImage.Format(world.Memory.Storage("disk"), new CowImageOptions(Cluster));
        Array.Fill(world.Memory.Storage("base", Cluster).Bytes, (byte)9);
        world.Run(async () =>
        {
            await using BlockBackend backend = await world.OpenAsync(
                "driver=cow,file.driver=memory,file.filename=disk,file.latency-ns-max=50000" + (hasBacking ? ",backing.driver=memory,backing.filename=base" : ""));
            await Task.WhenAll(backend.WriteAsync(512, Filled(512, 1)).AsTask(), backend.WriteZeroesAsync(2048, 512).AsTask(), backend.WriteAsync(3072, Filled(512, 2)).AsTask());
            byte[] all = await ReadAllAsync(backend);
            byte rest = hasBacking ? (byte)9 : (byte)0;
            Assert.That((all[0], all[512], all[1024], all[2048], all[3072], all[3584]), Is.EqualTo((rest, (byte)1, rest, (byte)0, (byte)2, rest)), $"seed {seed}");
        });
    }

    [Test]
    public void Zeros_hide_the_backing_node_and_take_no_data() => Fixture.Run(async () =>
    {
        FillMemory("base", 4 * Cluster, 1);
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(4 * Cluster), ",backing.driver=memory,backing.filename=base");
        await backend.WriteZeroesAsync(Cluster, Cluster, RequestFlags.NoFallback);
        await backend.WriteZeroesAsync((2 * Cluster) + 100, 50);
        byte[] all = await ReadAllAsync(backend);
        byte[] expected = Filled(4 * Cluster, 1);
        expected.AsSpan(Cluster, Cluster).Clear();
        expected.AsSpan((2 * Cluster) + 100, 50).Clear();
        Assert.That(all, Is.EqualTo(expected), "a whole cluster and a part of one");
        BlockException refusal = await Failure.OfRequestAsync(() => backend.WriteZeroesAsync(10, 10, RequestFlags.NoFallback));
        Assert.That(refusal.Kind, Is.EqualTo(BlockErrorKind.NotSupported), "a part of a cluster needs a buffer");
    });

    [Test]
    public void What_is_discarded_reads_as_zeros_and_is_discarded_in_the_file() => Fixture.Run(async () =>
    {
        FillMemory("base", 4 * Cluster, 1);
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(4 * Cluster), ",backing.driver=memory,backing.filename=base");
        await backend.WriteAsync(0, Filled(4 * Cluster, 2));
        await backend.DiscardAsync(100, 2 * Cluster);
        byte[] expected = Filled(4 * Cluster, 2);
        expected.AsSpan(Cluster, Cluster).Clear();
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "whole clusters only");
        Assert.That(Disk.CountOf(StorageCall.Discard), Is.EqualTo(1), "what the file has of it is let go");
        await backend.WriteAsync(Cluster + 5, Filled(5, 3));
        Filled(5, 3).CopyTo(expected, Cluster + 5);
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "and written again it is zeros around it, not the backing node");
        Assert.That((await backend.CheckAsync()).IsClean, "the cluster served again");
    });

    [Test]
    public void Data_is_durable_before_the_entry_that_leads_to_it() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(4 * Cluster));
        await backend.WriteAsync(0, new byte[512]);
        Disk.Storage.Log.Clear();
        await backend.WriteAsync(Cluster, Filled(Cluster, 1));
        Assert.That(
            Disk.Storage.Log.Select(r => (r.Kind, r.Offset >= CowHeader.Size + 1024)),
            Is.EqualTo(new[] { (RequestKind.Write, true), (RequestKind.Flush, false), (RequestKind.Write, false) }),
            "the cluster, a flush, the table");
    });

    [Test]
    public void A_lazy_table_is_written_at_the_flush() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(4 * Cluster), ",lazy-table=on");
        await backend.WriteAsync(0, Filled(3 * Cluster, 1));
        int tableWrites() => Disk.Storage.Log.Count(r => r.Kind == RequestKind.Write && r.Offset is >= CowHeader.Size and < CowHeader.Size + 1024);
        Assert.That(tableWrites(), Is.Zero, "not before");
        await backend.FlushAsync();
        Assert.That(tableWrites(), Is.EqualTo(3), "all of it then");
        byte[] durable = Disk.BytesAfterPowerLoss();
        Fixture.Memory.Storage("copy").Replace(durable);
        await using BlockBackend copy = await Fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=copy");
        Assert.That((await ReadAllAsync(copy)).Count(b => b == 1), Is.EqualTo(3 * Cluster), "and it is durable");
    });

    [Test]
    public void Force_unit_access_to_data_that_is_there_is_one_flush([Values("off", "on")] string lazy) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(4 * Cluster), $",lazy-table={lazy}");
        await backend.WriteAsync(0, Filled(2 * Cluster, 1));
        await backend.FlushAsync();
        int before = Disk.CountOf(StorageCall.Flush);
        await backend.WriteAsync(100, Filled(5000, 2), RequestFlags.Fua);
        Assert.That(Disk.CountOf(StorageCall.Flush) - before, Is.EqualTo(1), "flushes of the file");
        Assert.That(Disk.UnflushedCount, Is.Zero, "nothing is left to chance");
    });

    [Test]
    public void A_write_that_is_cancelled_while_it_waits_takes_nothing() => Fixture.Run(async () =>
    {
        // Two first writes of one cluster: the second waits for the first.
        CowImage.Format(Disk.Storage, new CowImageOptions(4 * Cluster));
        await using BlockBackend backend = await OpenAsync();
        Disk.DelayNsMax = 1000;
        using CancellationTokenSource source = new();
        Task first = backend.WriteAsync(0, Filled(512, 1)).AsTask();
        Task second = backend.WriteAsync(512, Filled(512, 2), cancel: source.Token).AsTask();
        source.Cancel();
        await Failure.OfAsync<OperationCanceledException>(() => second);
        await first;
        byte[] all = await ReadAllAsync(backend);
        Assert.That((all[0], all[512]), Is.EqualTo(((byte)1, (byte)0)), "the first is there, the second is not");
    });

    [Test]
    public void Status_says_where_everything_is() => Fixture.Run(async () =>
    {
        //  data, data | zeros | not allocated ...
        FillMemory("base", 8 * Cluster, 1);
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(6 * Cluster), ",backing.driver=memory,backing.filename=base");
        await backend.WriteAsync(0, Filled(2 * Cluster, 1));
        await backend.WriteZeroesAsync(2 * Cluster, Cluster);
        BlockStatus data = await backend.GetStatusAsync(100, 6 * Cluster - 100);
        Assert.That((data.Flags, data.LengthBytes), Is.EqualTo((BlockStatusFlags.Data | BlockStatusFlags.Allocated | BlockStatusFlags.OffsetValid, (2L * Cluster) - 100)), "data in one piece");
        Assert.That(data.HostChild, Is.SameAs(backend.Root!.FileChild), "it lies in the file");
        byte[] raw = new byte[16];
        Disk.Storage.Bytes.AsSpan((int)data.HostOffset, 16).CopyTo(raw);
        Assert.That(raw, Is.All.EqualTo((byte)1), "at that offset");
        BlockStatus zero = await backend.GetStatusAsync(2 * Cluster, 4 * Cluster);
        Assert.That((zero.Flags, zero.LengthBytes), Is.EqualTo((BlockStatusFlags.Zero | BlockStatusFlags.Allocated, (long)Cluster)), "zeros");
        BlockStatus none = await backend.GetStatusAsync(3 * Cluster, 3 * Cluster);
        Assert.That((none.Flags, none.LengthBytes), Is.EqualTo((BlockStatusFlags.EndOfFile, 3L * Cluster)), "nothing of this layer's, to the end");
    });

    [Test]
    public void A_part_can_be_shown() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await OpenAsync(new CowImageOptions(2 * Cluster)))
        {
            await backend.WriteAsync(0, Filled(2 * Cluster, 1));
        }

        await using BlockBackend part = await OpenAsync(null, ",length=5000,file.align=512", new BackendOptions { CanResize = true });
        Assert.That(await ReadAllAsync(part), Has.Length.EqualTo(5000).And.All.EqualTo((byte)1), "what is shown");
        await part.WriteAsync(4990, Filled(10, 2));
        Assert.That(
            (await Failure.OfAsync(() => part.TruncateAsync(6000))).Message, Is.EqualTo("Cannot resize an image that is shown with another length than its own"), "no other length");
        await part.DisposeAsync();
        await using BlockBackend whole = await OpenAsync();
        byte[] all = await ReadAllAsync(whole);
        Assert.That((all[4989], all[4990], all[4999], all[5000]), Is.EqualTo(((byte)1, (byte)2, (byte)2, (byte)1)), "what is not shown is not written");
    });
}
