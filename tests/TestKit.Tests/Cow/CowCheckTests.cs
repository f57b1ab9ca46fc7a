using System.Buffers.Binary;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.TestKit.Tests.Cow;

/// <summary>What a check finds in a table that contradicts itself, and what is left when it has mended it.</summary>
[TestFixture]
public sealed class CowCheckTests : CowTests
{
    private const ImageRepairs All = ImageRepairs.Leaks | ImageRepairs.Errors;
    private const int ClusterCount = 8;

    private long _dataOffset;

    // Clusters 0 to 7 hold 1 to 8, in the order of the file; the table can be spoilt then.
    private async Task MakeImageAsync()
    {
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(ClusterCount * Cluster));
        for (int i = 0; i < ClusterCount; i++)
        {
            await backend.WriteAsync(i * Cluster, Filled(Cluster, (byte)(i + 1)));
        }

        Assert.That(CowHeader.TryParse(Disk.Storage.Bytes, out CowHeader header, out _), Is.True, "a header");
        _dataOffset = header.DataOffset;
    }

    private Span<byte> Entry(int cluster) => Disk.Storage.Bytes.AsSpan(CowHeader.Size + (cluster * CowEntry.Size), CowEntry.Size);

    private void SetEntry(int cluster, long value) => BinaryPrimitives.WriteInt64BigEndian(Entry(cluster), value);

    [TestCase(100, TestName = "An_entry_that_leads_into_the_header_is_found")]
    [TestCase(1 << 30, TestName = "An_entry_that_leads_beyond_the_file_is_found")]
    [TestCase(-4096, TestName = "A_negative_entry_is_found")]
    [TestCase(13312, TestName = "An_entry_that_is_no_multiple_of_a_cluster_is_found")]
    public void A_corrupt_entry_is_found(long value) => Fixture.Run(async () =>
    {
        await MakeImageAsync();
        SetEntry(3, value);
        await using BlockBackend backend = await OpenAsync();
        Assert.That(
            (await Failure.OfAsync(() => ReadAsync(backend, 3 * Cluster, 1))).Message,
            Is.EqualTo("Node 'top': table entry 3 leads outside of the image's data; check the image"),
            "reading it");
        Assert.That((await Failure.OfRequestAsync(() => backend.WriteAsync(3 * Cluster, new byte[Cluster]))).Kind, Is.EqualTo(BlockErrorKind.CorruptImage), "writing it");
        Assert.That((await ReadAsync(backend, 4 * Cluster, Cluster)), Is.All.EqualTo((byte)5), "its neighbour is fine");
        ImageCheck found = await backend.CheckAsync();
        Assert.That((found.CorruptionCount, found.LeakCount), Is.EqualTo((1L, 1L)), "the entry, and the cluster it led to");
        ImageCheck mended = await backend.CheckAsync(All);
        Assert.That((mended.IsClean, mended.MendedCorruptionCount, mended.MendedLeakCount), Is.EqualTo((true, 1L, 1L)), "both are mended");
        Assert.That((await backend.CheckAsync()).IsClean, "a second look");
        Assert.That(await ReadAsync(backend, 3 * Cluster, Cluster), Is.All.Zero, "what is lost is lost");
        Assert.That(Disk.Storage.Bytes, Has.Length.EqualTo(_dataOffset + ((ClusterCount - 1) * Cluster)), "the file is as long as its data");
    });

    [Test]
    public void A_cluster_that_two_entries_lead_to_is_copied() => Fixture.Run(async () =>
    {
        await MakeImageAsync();
        Entry(2).CopyTo(Entry(5));
        await using (BlockBackend backend = await OpenAsync())
        {
            Assert.That(await ReadAsync(backend, 5 * Cluster, Cluster), Is.All.EqualTo((byte)3), "it can be read");
            foreach (Func<ValueTask> change in new Func<ValueTask>[]
            {
                () => backend.WriteAsync(0, new byte[1]), () => backend.WriteZeroesAsync(0, Cluster), () => backend.DiscardAsync(0, Cluster),
            })
            {
                Assert.That(
                    (await Failure.OfRequestAsync(change)).Message, Is.EqualTo("Node 'top': table entries 2 and 5 lead to one cluster; check the image"), "but not written: one would change the other");
            }

            ImageCheck mended = await backend.CheckAsync(All);
            Assert.That((mended.IsClean, mended.MendedCorruptionCount, mended.MendedLeakCount), Is.EqualTo((true, 1L, 1L)), "a copy, and the cluster that was lost");
            await backend.WriteAsync(5 * Cluster, Filled(1, 99));
            Assert.That((await ReadAsync(backend, 2 * Cluster, 1))[0], Is.EqualTo((byte)3), "each has its own");
        }

        await using BlockBackend again = await OpenAsync();
        byte[] all = await ReadAllAsync(again);
        Assert.That(Enumerable.Range(0, ClusterCount).Select(i => all[(i * Cluster) + 1]), Is.EqualTo(new byte[] { 1, 2, 3, 4, 5, 3, 7, 8 }), "what the file has");
    });

    [Test]
    public void Holes_are_closed_and_the_file_becomes_shorter() => Fixture.Run(async () =>
    {
        await MakeImageAsync();
        SetEntry(0, 0);
        SetEntry(3, 1);
        await using BlockBackend backend = await OpenAsync();
        Assert.That((await backend.CheckAsync()).LeakCount, Is.EqualTo(2), "two clusters are nobody's");
        await backend.DiscardAsync(7 * Cluster, Cluster);
        ImageCheck mended = await backend.CheckAsync(ImageRepairs.Leaks);
        Assert.That((mended.IsClean, mended.MendedLeakCount), Is.EqualTo((true, 2L)), "they are given back");
        byte[] all = await ReadAllAsync(backend);
        Assert.That(Enumerable.Range(0, ClusterCount).Select(i => all[i * Cluster]), Is.EqualTo(new byte[] { 0, 2, 3, 0, 5, 6, 7, 0 }), "the data");
        Assert.That(Disk.Storage.Bytes, Has.Length.EqualTo(_dataOffset + (5 * Cluster)), "what reads as zeros needs no cluster");
    });

    [Test]
    public void A_file_without_data_shrinks_to_its_table() => Fixture.Run(async () =>
    {
        await MakeImageAsync();
        for (int i = 0; i < ClusterCount; i++)
        {
            SetEntry(i, 0);
        }

        await using BlockBackend backend = await OpenAsync();
        await backend.CheckAsync(All);
        Assert.That(Disk.Storage.Bytes, Has.Length.EqualTo(_dataOffset), "header and table");
        await backend.WriteAsync(0, Filled(Cluster, 1));
        Assert.That((await ReadAllAsync(backend)).Count(b => b == 1), Is.EqualTo(Cluster), "and it can be written again");
    });

    [Test]
    public void Errors_are_not_mended_by_giving_clusters_back_and_nothing_is_in_a_read_only_image() => Fixture.Run(async () =>
    {
        await MakeImageAsync();
        SetEntry(3, 100);
        byte[] before = (byte[])Disk.Storage.Bytes.Clone();
        await using (BlockBackend reader = await OpenAsync(null, ",read-only=on"))
        {
            Assert.That((await reader.CheckAsync()).CorruptionCount, Is.EqualTo(1), "looking is possible");
            Assert.That((await Failure.OfAsync(() => reader.CheckAsync(All))).Message, Is.EqualTo("Image is read-only"), "mending is not");
        }

        await using BlockBackend backend = await OpenAsync();
        ImageCheck leaksOnly = await backend.CheckAsync(ImageRepairs.Leaks);
        Assert.That((leaksOnly.CorruptionCount, leaksOnly.LeakCount), Is.EqualTo((1L, 1L)), "with errors about nothing is moved");
        Assert.That(Disk.Storage.Bytes, Is.EqualTo(before), "the file");
    });

    [Test]
    public void A_crash_between_the_steps_of_a_check_leaves_the_data([Values(1, 2, 3)] int seed)
    {
        // Every write, flush and truncation of the repair fails in turn; then the image is looked at again.
        byte[] expected = new byte[ClusterCount * Cluster];
        for (int failing = 1; failing < 100; failing++)
        {
            SetUpFixture();
            bool isOver = false;
            Fixture.Run(async () =>
            {
                await MakeImageAsync();
                SetEntry(1, 0);
                Entry(2).CopyTo(Entry(5));
                await using (BlockBackend backend = await OpenAsync())
                {
                    expected = await ReadAllAsync(backend);
                    Disk.FailNth(failing, isSticky: true);
                    isOver = await IsCheckedAsync(backend);
                    Fixture.Memory.Storage("crashed").Replace(Disk.BytesAfterPowerLoss(new SeededRandom((ulong)seed)));
                    Disk.Heal();
                }

                await using BlockBackend again = await Fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=crashed");
                AssertSame(await ReadAllAsync(again), expected, $"seed {seed}, call {failing}: the data");
                Assert.That((await again.CheckAsync(All)).IsClean, $"seed {seed}, call {failing}: mended by the next check");
                AssertSame(await ReadAllAsync(again), expected, $"seed {seed}, call {failing}: the data after that");
            });
            TearDownFixture();
            if (isOver)
            {
                Assert.That(failing, Is.GreaterThan(8), "a repair takes several calls");
                SetUpFixture();
                return;
            }
        }

        Assert.Fail("the repair never came to its end");
    }

    private static async Task<bool> IsCheckedAsync(BlockBackend backend)
    {
        try
        {
            await backend.CheckAsync(All);
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }
}
