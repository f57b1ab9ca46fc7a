using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.Drivers.Formats.Qcow2.Check;
using BlockGraph.Drivers.Tests.Qcow2.Amending;
using BlockGraph.Drivers.Tests.Qcow2.Damage;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Check;

/// <summary>What a check finds, and in which words: those that were observed of <c>qemu-img check</c> 7.2.22.</summary>
[TestFixture]
public sealed class CheckTests : CheckedImages
{
    private static void Count(DamagedImage image, long hostOffset, ulong count) => image.Put(image.Block + (2 * (hostOffset / image.ClusterBytes)), 2, count);

    [Test]
    public void A_sound_image_has_nothing_wrong_and_its_clusters_are_counted() => Fixture.Run(async () =>
    {
        DamagedImage image = Make("v3");
        (ImageCheck check, List<string> texts) = await CheckAsync();
        Assert.That(texts, Is.Empty, "findings");
        Assert.That(check.IsClean, Is.True, "nothing wrong");
        Assert.That((check.TotalClusterCount, check.AllocatedClusterCount, check.FragmentedClusterCount, check.CompressedClusterCount), Is.EqualTo((1024L, 3L, 0L, 0L)), "clusters");
        Assert.That(check.EndOffset, Is.EqualTo(image.Bytes.Length), "where the last cluster ends");
    });

    [Test]
    public void Compressed_clusters_are_counted_as_such() => Fixture.Run(async () =>
    {
        Make("comp");
        ImageCheck check = (await CheckAsync()).Check;
        Assert.That((check.IsClean, check.AllocatedClusterCount, check.FragmentedClusterCount, check.CompressedClusterCount), Is.EqualTo((true, 3L, 3L, 3L)), "clusters");
    });

    [Test]
    public void Counts_that_are_wrong_are_told_of_with_the_marks_that_they_make_wrong() => Fixture.Run(async () =>
    {
        DamagedImage image = Make("v3", q =>
        {
            Count(q, q.Data, 0);
            Count(q, q.Data + (2 * 65536), 2);
        });
        long first = image.Data / 65536;
        (ImageCheck check, List<string> texts) = await CheckAsync();
        Assert.That(texts, Is.EqualTo(new[]
        {
            $"ERROR cluster {first} refcount=0 reference=1",
            $"Leaked cluster {first + 2} refcount=2 reference=1",
            $"ERROR OFLAG_COPIED data cluster: l2_entry={(1UL << 63) | (ulong)image.Data:x} refcount=0",
            $"ERROR OFLAG_COPIED data cluster: l2_entry={(1UL << 63) | (ulong)(image.Data + (2 * 65536)):x} refcount=2",
        }), "findings");
        Assert.That((check.CorruptionCount, check.LeakCount), Is.EqualTo((3L, 1L)), "their number");
    });

    [Test]
    public void A_stream_that_cannot_be_decompressed_is_found_where_data_is_read([Values("comp", "zstd")] string name) => Fixture.Run(async () =>
    {
        DamagedImage image = Make(name, q => q.Write(q.Stream, Filled(16, 0xff)));
        Assert.That((await CheckAsync()).Check.IsClean, Is.True, "the tables are right");
        (ImageCheck check, List<string> texts) = await CheckAsync(readsData: true);
        Assert.That(texts, Is.EqualTo(new[] { $"ERROR: coffset=0x{image.Stream:x}: compressed cluster cannot be decompressed" }), "the stream");
        Assert.That(check.CorruptionCount, Is.EqualTo(1), "others are right");
    });

    [Test]
    public void An_l2_table_is_read_once_however_many_entries_lead_there() => Fixture.Run(async () =>
    {
        // 65535 entries of the L1 table, all to one L2 table.
        DamagedImage image = Make("v3", q =>
        {
            long top = q.Bytes.Length;
            q.Write(top, new byte[8 * 65536]);
            for (int i = 0; i < 65535; i++)
            {
                q.Put(top + (8 * i), 8, (ulong)q.L2);
            }

            q.Put(40, 8, (ulong)top);
            q.Put(36, 4, 65535);
        });
        int before = Disk.CallCount;
        ImageCheck check = (await CheckAsync()).Check;
        Assert.That(check.CorruptionCount, Is.GreaterThan(0), "counts do not agree");
        Assert.That(Disk.CallCount - before, Is.LessThan(60), "calls");
        Assert.That(image.L2, Is.GreaterThan(0), "the table is there");
    });

    [Test]
    public void Tables_that_lie_over_each_other_are_swept_once()
    {
        TableSweep sweep = new(new(16, 4, false, false));
        sweep.Add(65536, 100, isActive: false);
        sweep.Add(0, 65536 + 8, isActive: true);
        sweep.Add(65536, 100, isActive: false);
        Assert.That(sweep.Pieces(), Is.EqualTo(new TablePiece[] { new(0, 65536, 1, true), new(65536, 8, 3, true), new(65544, 92, 2, false) }), "pieces");
        Assert.That(sweep.Clusters(), Is.EqualTo(new TablePiece[] { new(0, 65536, 1, true), new(65536, 65536, 3, true) }), "clusters");
    }

    [Test]
    public void Numbers_of_clusters_may_be_large_and_far_apart()
    {
        ReferenceCounts counts = new(AllClusters());
        counts.Add(7, 255);
        counts.Add(1L << 47, 1);
        counts.Add(7, 70000);
        counts.Set(8, 3);
        counts.Set(9, 0);
        Assert.That(new[] { 7, 8, 9, 1L << 47 }.Select(counts.Get), Is.EqualTo(new[] { 70255UL, 3UL, 0UL, 1UL }), "what was set");
        Assert.That(counts.Get(1L << 40), Is.Zero, "what nobody set");
    }

    [Test]
    public void Numbers_of_clusters_are_as_they_were_set_however_wide_their_page_has_become([Values(3UL, 4UL, 255UL, 256UL, ulong.MaxValue)] ulong largest)
    {
        Random random = new(5);
        Dictionary<long, ulong> wanted = [];
        ReferenceCounts counts = new(AllClusters());
        ReferenceCounts same = new(AllClusters());
        foreach (ulong max in new[] { 1UL, 3UL, largest })
        {
            for (int i = 0; i < 700; i++)
            {
                long cluster = random.Next(3000);
                wanted[cluster] = i == 0 ? max : Math.Min(max, (ulong)random.Next(5));
                counts.Set(cluster, wanted[cluster]);
            }
        }

        // Both as wide as each other, wherever the largest has been.
        foreach ((long cluster, ulong count) in wanted)
        {
            counts.Set(cluster, largest);
            same.Set(cluster, largest);
            counts.Set(cluster, count);
            same.Set(cluster, count);
        }

        Assert.That(Enumerable.Range(0, 3000).Select(cluster => counts.Get(cluster)), Is.EqualTo(Enumerable.Range(0, 3000).Select(cluster => wanted.GetValueOrDefault(cluster))), "each number");
        Assert.That(Used(counts, 3000), Is.EqualTo(wanted.Where(static pair => pair.Value != 0).Select(static pair => pair.Key).Order()), "those that are not 0");
        foreach (long page in counts.Pages)
        {
            long last = Used(counts, Math.Min(3000, counts.EndOf(page)))[^1];
            Assert.That((counts.IsSame(same, page, out long lastUsed), lastUsed), Is.EqualTo((true, last)), $"page {page} beside one that was set at once");
            same.Set(last, same.Get(last) - 1);
            Assert.That(counts.IsSame(same, page, out _), Is.False, $"page {page} beside one that differs");
        }
    }

    [Test]
    public void A_window_keeps_the_numbers_of_its_first_clusters_that_there_is_room_for([Values(1, 4096, 1 << 16)] int bytesMax, [Values(0, 1 << 13)] int first)
    {
        Random random = new(bytesMax);
        CountWindow window = new(first, bytesMax);
        ReferenceCounts expected = new(window);
        ReferenceCounts stored = new(window);
        Dictionary<long, ulong> wanted = [];
        for (int i = 0; i < 20_000; i++)
        {
            long cluster = random.Next(1 << 15);
            wanted[cluster] = (ulong)random.Next(i < 10_000 ? 3 : 1000);
            expected.Set(cluster, wanted[cluster]);
            stored.Set(cluster, wanted[cluster]);
        }

        Assert.That((window.IsLast, window.End), Is.EqualTo((false, window.End / 8 * 8)), "there was no room for all, and the end is a page's");
        Assert.That(window.End, Is.GreaterThan(first), "it has clusters");
        IEnumerable<ulong> Wanted() => Enumerable.Range(0, 1 << 15).Select(cluster => window.Contains(cluster) ? wanted.GetValueOrDefault(cluster) : 0);
        Assert.That(Enumerable.Range(0, 1 << 15).Select(cluster => expected.Get(cluster)), Is.EqualTo(Wanted()), "each number");
        Assert.That(Enumerable.Range(0, 1 << 15).Select(cluster => stored.Get(cluster)), Is.EqualTo(Wanted()), "each number of the other kind");
        long end = window.End;
        window.IsFixed = true;
        for (long cluster = first; cluster < end; cluster++)
        {
            expected.Set(cluster, ulong.MaxValue);
        }

        Assert.That(window.End, Is.EqualTo(end), "its end once something depends on it");
    }

    [Test]
    public void A_check_can_be_cancelled_and_tells_how_far_it_is() => Fixture.Run(async () =>
    {
        Make("v3");
        await using BlockBackend backend = await OpenAsync();
        using CancellationTokenSource source = new();
        await source.CancelAsync();
        Assert.That(async () => await backend.CheckAsync(new ImageCheckRequest(), source.Token), Throws.InstanceOf<OperationCanceledException>(), "before it began");
        List<double> steps = [];
        await backend.CheckAsync(new ImageCheckRequest { Progress = new Steps(steps) });
        Assert.That(steps, Is.Not.Empty.And.Ordered, "parts of the work");
        Assert.That(steps, Has.All.InRange(0.0, 1.0), "all is 1");
    });

    [Test]
    public void What_is_only_in_memory_is_written_before_a_check() => Fixture.Run(async () =>
    {
        Make("v3");
        await using BlockBackend backend = await OpenAsync(more: ",discard=unmap");
        await backend.WriteAsync(3 << 20, Filled(4096, 1));
        await backend.DiscardAsync(0, 64 << 10);
        ImageCheck check = await backend.CheckAsync();
        Assert.That((check.IsClean, check.AllocatedClusterCount), Is.EqualTo((true, 3L)), "one more, one less");
    });

    [Test]
    public void A_table_that_cannot_be_read_is_unchecked_and_nothing_is_mended() => Fixture.Run(async () =>
    {
        DamagedImage image = Make("v3", q => Count(q, q.Data, 2));
        await using BlockBackend backend = await OpenAsync();
        Disk.FailNth(2, StorageCall.Read);
        ImageCheck check = await backend.CheckAsync(All);
        Assert.That((check.UncheckedCount, check.MendedLeakCount), Is.EqualTo((1L, 0L)), "what it says");
        Assert.That(Disk.Storage.Bytes, Is.EqualTo(image.Bytes), "the file");
        Disk.Heal();
        Assert.That((await backend.CheckAsync(All)).IsClean, Is.True, "later it is mended");
    });

    private static CountWindow AllClusters() => new(0, long.MaxValue);

    private static long[] Used(ReferenceCounts counts, long end)
    {
        List<long> used = [];
        for (long cluster = 0; cluster < end; cluster++)
        {
            if (counts.HasUsed(cluster, cluster + 1))
            {
                used.Add(cluster);
            }
        }

        return [.. used];
    }
}
