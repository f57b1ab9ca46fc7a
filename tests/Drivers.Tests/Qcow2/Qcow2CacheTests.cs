using BlockGraph.BlockCore.Backend;
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
