using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <summary>How much of an image's tables is in memory, and for how long.</summary>
[TestFixture]
public sealed class Qcow2CacheTests
{
    private const long NsPerSecond = 1_000_000_000;
    private const int ClusterBytes = 512;

    // A table of 64 entries of 512 bytes: each 32 KiB of the guest has its own.
    private const int TableSpanBytes = 64 * ClusterBytes;
    private const int LengthBytes = 64 * TableSpanBytes;

    private GraphFixture _fixture = null!;

    [SetUp]
    public void SetUp()
    {
        _fixture = new GraphFixture(drivers: [new Qcow2Driver()]);
        _fixture.Faulty.Disk("disk").Storage.Replace(new Qcow2Layout(new Qcow2CreateOptions { LengthBytes = LengthBytes, ClusterBits = 9 }.CreateHeaderArea()).ToArray());
    }

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void Tables_that_are_not_used_are_given_up_after_the_interval() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("cache-clean-interval=10");
        await TouchAsync(backend);
        int count = Cache(backend).SliceCount;
        Assert.That(count, Is.EqualTo(64), "each table is in memory");
        await PassAsync(backend, 9);
        Assert.That(Cache(backend).SliceCount, Is.EqualTo(count), "before the interval is over");
        await PassAsync(backend, 11);
        await PassAsync(backend, 11);
        Assert.That(Cache(backend).SliceCount, Is.Zero, "an interval later, in which nobody asked for them");
        await TouchAsync(backend);
        Assert.That(Cache(backend).SliceCount, Is.EqualTo(count), "they come back as they are asked for");
    });

    [Test]
    public void Tables_stay_where_the_interval_is_0() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("cache-clean-interval=0");
        await TouchAsync(backend);
        await PassAsync(backend, 10_000);
        await PassAsync(backend, 10_000);
        Assert.That(Cache(backend).SliceCount, Is.EqualTo(64), "each table is in memory still");
    });

    [Test]
    public void No_more_tables_are_in_memory_than_the_option_says() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("l2-cache-size=4096");
        await TouchAsync(backend);
        await TouchAsync(backend);
        Assert.That(Cache(backend).SliceCount, Is.LessThanOrEqualTo(4096 / ClusterBytes), "slices in memory");
    });

    [Test]
    public void Tables_that_are_all_dirty_are_written_before_there_are_too_many() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("l2-cache-size=4096,refcount-cache-size=4096");
        for (int i = 0; i < 64; i++)
        {
            await backend.WriteAsync(i * TableSpanBytes, new byte[ClusterBytes]);
            Assert.That(Cache(backend).SliceCount, Is.LessThanOrEqualTo((4096 / ClusterBytes) + 1), $"slices in memory after write {i}");
        }
    });

    [Test]
    public void A_new_table_is_not_read_until_it_was_given_up() => _fixture.Run(async () =>
    {
        // A table of 16 KiB in four slices; the cache has room for two.
        const int clusterBytes = 16 << 10;
        const long sliceSpanBytes = 512L * clusterBytes;
        MemoryStorage storage = _fixture.Faulty.Disk("disk").Storage;
        storage.Replace(new Qcow2Layout(new Qcow2CreateOptions { LengthBytes = 8 * sliceSpanBytes, ClusterBits = 14 }.CreateHeaderArea()).ToArray());
        await using BlockBackend backend = await OpenAsync("l2-cache-size=8192,l2-cache-entry-size=4096");
        await backend.WriteAsync(0, Cluster(1));
        storage.Log.Clear();
        for (int slice = 1; slice < 4; slice++)
        {
            await backend.WriteAsync(slice * sliceSpanBytes, Cluster((byte)(slice + 1)));
        }

        Assert.That(storage.Log.Where(static request => request.Kind == RequestKind.Read), Is.Empty, "reads for slices that nobody has written");
        for (int slice = 4; slice < 8; slice++)
        {
            await backend.WriteAsync(slice * sliceSpanBytes, Cluster((byte)(slice + 1)));
            await backend.FlushAsync();
        }

        for (int slice = 0; slice < 8; slice++)
        {
            await backend.WriteAsync((slice * sliceSpanBytes) + clusterBytes, Cluster((byte)(slice + 100)));
            await backend.FlushAsync();
        }

        for (int slice = 0; slice < 8; slice++)
        {
            byte[] both = new byte[2 * clusterBytes];
            await backend.ReadAsync(slice * sliceSpanBytes, both);
            Assert.That(both, Is.EqualTo(Cluster((byte)(slice + 1)).Concat(Cluster((byte)(slice + 100)))), $"slice {slice}, whose entries were given up in between");
        }

        static byte[] Cluster(byte value)
        {
            byte[] cluster = new byte[clusterBytes];
            Array.Fill(cluster, value);
            return cluster;
        }
    });

    [Test]
    public void A_look_at_everything_keeps_little_and_a_second_one_gets_more_room() => _fixture.Run(async () =>
    {
        // 1280 tables of eight slices of 512 bytes; 6553 of them are 4 MiB, with the 128 bytes that each takes beside.
        const int clusterBytes = 4096;
        const int sliceCount = 10_240;
        const long sliceSpanBytes = 64L * clusterBytes;
        byte[] image = new Qcow2Layout(new Qcow2CreateOptions { LengthBytes = sliceCount * sliceSpanBytes, ClusterBits = 12 }.CreateHeaderArea()).ToArray();
        Array.Resize(ref image, 12 << 20);
        _fixture.Faulty.Disk("disk").Storage.Replace(image);
        await using (BlockBackend writer = await OpenAsync("l2-cache-entry-size=512"))
        {
            for (int table = 0; table < sliceCount / 8; table++)
            {
                await writer.WriteAsync(table * 8 * sliceSpanBytes, new byte[] { (byte)(table % 251), 1, 2, 3 });
            }
        }

        await using BlockBackend backend = await OpenAsync("l2-cache-entry-size=512");
        await LookAsync();
        Assert.That(Cache(backend).SliceCount, Is.EqualTo(6553), "slices in memory when each was asked for once");
        await LookAsync();
        Assert.That(Cache(backend).SliceCount, Is.EqualTo(sliceCount), "when each was asked for twice");

        async Task LookAsync()
        {
            byte[] bytes = new byte[4];
            for (int slice = 0; slice < sliceCount; slice++)
            {
                await backend.ReadAsync(slice * sliceSpanBytes, bytes);
                Assert.That(bytes, Is.EqualTo(slice % 8 == 0 ? [(byte)(slice / 8 % 251), 1, 2, 3] : new byte[4]), $"slice {slice}");
            }
        }
    });

    [Test]
    public void Who_finds_no_buffer_waits_for_one_that_comes_back() => _fixture.Run(async () =>
    {
        ClusterBuffers buffers = new(ClusterBytes, 2 * ClusterBytes);
        Memory<byte> first = await buffers.RentAsync();
        Memory<byte> second = await buffers.RentAsync();
        Task<Memory<byte>> third = buffers.RentAsync().AsTask();
        Task<Memory<byte>> fourth = buffers.RentAsync().AsTask();
        Assert.That((third.IsCompleted, fourth.IsCompleted, first.Length), Is.EqualTo((false, false, ClusterBytes)), "two are all there may be");
        buffers.Return(second);
        Assert.That(await third, Is.EqualTo(second), "the one that came back");
        Assert.That(fourth.IsCompleted, Is.False, "there was one only");
        buffers.Return(first);
        Assert.That(await fourth, Is.EqualTo(first), "the other one");
        ClusterBuffers large = new(ClusterBytes, 1);
        Assert.That((await large.RentAsync()).Length, Is.EqualTo(ClusterBytes), "one there is in any case");
    });

    private Task<BlockBackend> OpenAsync(string more) => _fixture.OpenAsync($"driver=qcow2,node-name=top,file.driver=faulty,file.filename=disk,{more}");

    private static MetadataCache Cache(BlockBackend backend) => ((Qcow2Instance)backend.Root!.Instance).Metadata.Map.Cache;

    // Something in each table.
    private static async Task TouchAsync(BlockBackend backend)
    {
        byte[] cluster = new byte[ClusterBytes];
        Array.Fill(cluster, (byte)1);
        for (int offset = 0; offset < LengthBytes; offset += TableSpanBytes)
        {
            await backend.WriteAsync(offset, cluster);
        }

        await backend.FlushAsync();
    }

    private static async Task PassAsync(BlockBackend backend, int seconds)
    {
        await AioContext.Current!.DelayAsync(seconds * NsPerSecond);
        await backend.FlushAsync();
    }
}
