using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Tests.Qcow2.Damage;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Check;

/// <summary>What a repair mends, in which order, and what is left of it when the power is cut or the disk is full.</summary>
[TestFixture]
public sealed class RepairTests : CheckedImages
{
    private static readonly Dictionary<string, Action<DamagedImage>> s_damages = new()
    {
        // A count too low, one too high, an unused cluster, a mark that is missing, bits that mean nothing.
        ["counts"] = q =>
        {
            Count(q, q.Data, 0);
            Count(q, q.Data + 65536, 3);
            Count(q, 100 * 65536, 1);
            q.Change(q.L2 + (8 * 16), entry => (entry & ~(1UL << 63)) | (1UL << 57));
        },

        // The only block of counts is lost.
        ["block"] = q => q.Put(q.Table, 8, 0),

        // The table is another structure.
        ["table"] = q => q.Put(48, 8, (ulong)q.L1),

        // Two guest clusters share one, which is marked as belonging to each alone; what the second had is a leak.
        ["shared"] = q => q.Put(q.L2 + 8, 8, q.Get(q.L2, 8)),
    };

    private static IEnumerable<string> Damages => s_damages.Keys;

    private static void Count(DamagedImage image, long hostOffset, ulong count) => image.Put(image.Block + (2 * (hostOffset / image.ClusterBytes)), 2, count);

    [TestCaseSource(nameof(Damages))]
    public void A_repair_leaves_a_clean_image_with_its_data(string damage) => Fixture.Run(async () =>
    {
        Make("v3", s_damages[damage]);
        ImageCheck repaired = (await CheckAsync(All)).Check;
        Assert.That((repaired.IsClean, repaired.MendedCorruptionCount > 0), Is.EqualTo((true, true)), "what it says");
        Assert.That((await CheckAsync()).Check.IsClean, Is.True, "a second look");
        await using (BlockBackend backend = await OpenAsync())
        {
            await RequirePatternsAsync(backend, damage);
            await backend.WriteAsync(1 << 16, Filled(4096, 0x77));
            byte[] neighbour = new byte[4096];
            await backend.ReadAsync(0, neighbour);
            Assert.That(neighbour, Is.All.EqualTo((byte)0xa5), "a write changes nothing else");
        }

        // Of two that shared a cluster one has it alone now, and does not know that: only a check sees it.
        (ImageCheck check, List<string> texts) = await CheckAsync();
        Assert.That(check.LeakCount, Is.Zero, "leaks after a write");
        Assert.That(texts, damage == "shared" ? Has.All.Contains("OFLAG_COPIED data cluster") : Is.Empty, "errors after a write");
    });

    [Test]
    public void A_power_cut_at_any_write_of_a_repair_makes_nothing_worse([ValueSource(nameof(Damages))] string damage, [Values(1, 2, 3)] int seed, [Values] bool inOnePass)
    {
        bool isOver = false;
        int failing = 1;
        for (; !isOver; failing++)
        {
            Assert.That(failing, Is.LessThan(100), "the repair comes to its end");
            TearDownFixture();
            SetUpFixture();
            Fixture.Run(async () => isOver = await RepairUntilAsync(damage, failing, seed, inOnePass));
        }

        Assert.That(failing, Is.GreaterThan(4), "a repair takes several calls");
    }

    private static bool IsTooLow(string text) => text.StartsWith("ERROR cluster", StringComparison.Ordinal);

    private async Task<bool> RepairUntilAsync(string damage, int failing, int seed, bool inOnePass)
    {
        Make("v3", s_damages[damage]);
        int before = (await CheckAsync()).Texts.Count(IsTooLow);
        bool isOver = false;
        await using (BlockBackend backend = await OpenAsync(isForCheck: true))
        {
            // Reads of the check itself are let be.
            Disk.FailNth(failing, StorageCall.Write, isSticky: true);
            Disk.FailNth(failing, StorageCall.Flush, isSticky: true);
            isOver = await Failure.IsDoneAsync(() => backend.CheckAsync(RepairOf(inOnePass)));
            byte[] left = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)seed));
            Disk.Heal();
            Fixture.Faulty.Disk("crashed").Storage.Replace(left);
        }

        Disk.Storage.Replace(Fixture.Faulty.Disk("crashed").Storage.Bytes);
        (ImageCheck after, List<string> texts) = await CheckAsync();
        string when = $"{damage}, call {failing}, seed {seed}";
        Assert.That(texts.Count(IsTooLow), Is.LessThanOrEqualTo(before), $"{when}: counts that are too low");
        Assert.That(after.UncheckedCount, Is.Zero, $"{when}: all can be checked");
        Assert.That((await CheckAsync(All)).Check.IsClean, Is.True, $"{when}: the next repair");
        await using BlockBackend again = await OpenAsync();
        await RequirePatternsAsync(again, when);
        return isOver;
    }

    [Test]
    public void A_repair_that_finds_no_room_or_fails_leaves_what_can_be_repaired_later(
        [ValueSource(nameof(Damages))] string damage, [Values(BlockErrorKind.NoSpace, BlockErrorKind.InputOutput)] BlockErrorKind error, [Values] bool inOnePass)
    {
        bool isOver = false;
        for (int failing = 1; !isOver; failing++)
        {
            Assert.That(failing, Is.LessThan(200), "the repair comes to its end");
            TearDownFixture();
            SetUpFixture();
            Fixture.Run(async () =>
            {
                Make("v3", s_damages[damage]);
                await using BlockBackend backend = await OpenAsync(isForCheck: true);
                Disk.FailNth(failing, StorageCall.Write, error);
                isOver = await Failure.IsDoneAsync(() => backend.CheckAsync(RepairOf(inOnePass)));
                Assert.That((await backend.CheckAsync(All)).IsClean, Is.True, $"{damage}, write {failing}: once more");
                await RequirePatternsAsync(backend, $"{damage}, write {failing}");
            });
        }
    }

    [Test]
    public void Leaks_alone_are_mended_without_touching_errors() => Fixture.Run(async () =>
    {
        DamagedImage image = Make("v3", s_damages["counts"]);
        (ImageCheck check, List<string> texts) = await CheckAsync(ImageRepairs.Leaks);
        Assert.That((check.LeakCount, check.MendedLeakCount, check.MendedCorruptionCount), Is.EqualTo((0L, 2L, 0L)), "leaks");
        Assert.That(texts, Does.Contain($"Repairing cluster {(image.Data / 65536) + 1} refcount=3 reference=1"), "in the words that are known");
        Assert.That(texts, Has.None.StartWith($"Repairing cluster {image.Data / 65536} "), "the count that is too low");
        Assert.That(check.CorruptionCount, Is.GreaterThan(0), "errors are still there");
    });

    // Beside counts that are too low it is left: see above.
    [Test]
    public void A_mark_is_mended_with_leaks_where_every_count_is_right_then() => Fixture.Run(async () =>
    {
        Make("v3", static q => q.Change(q.L1, static entry => entry ^ (1UL << 63)));
        (ImageCheck check, List<string> texts) = await CheckAsync(ImageRepairs.Leaks);
        Assert.That((check.IsClean, check.MendedCorruptionCount), Is.EqualTo((true, 1L)), "clean");
        Assert.That(texts, Has.One.StartsWith("Repairing OFLAG_COPIED L2 cluster: "), "what was told");
        await using BlockBackend backend = await OpenAsync();
        await RequirePatternsAsync(backend, "afterwards");
    });

    // Whatever the order in which they are made, for which counts go up and which go down decides.
    [Test]
    public void Repairs_of_counts_are_told_in_the_order_of_clusters_and_those_of_marks_behind_them() => Fixture.Run(async () =>
    {
        DamagedImage image = Make("v3", q =>
        {
            s_damages["counts"](q);
            q.Change(q.L1, static entry => entry ^ (1UL << 63));
        });
        long data = image.Data / 65536;
        List<string> texts = [.. (await CheckAsync(All)).Texts.Where(static text => text.StartsWith("Repairing", StringComparison.Ordinal))];
        Assert.That(texts.Take(2), Is.EqualTo(new[] { $"Repairing cluster {data} refcount=0 reference=1", $"Repairing cluster {data + 1} refcount=3 reference=1" }), "counts");
        Assert.That(texts.FindIndex(static text => text.StartsWith("Repairing OFLAG_COPIED L2 cluster: ", StringComparison.Ordinal)), Is.GreaterThan(texts.FindLastIndex(IsCount)), "the mark");

        static bool IsCount(string text) => text.StartsWith("Repairing cluster ", StringComparison.Ordinal);
    });

    [Test]
    public void What_a_lost_entry_may_have_led_to_is_not_freed([Values(ImageRepairs.Leaks, All)] ImageRepairs repairs) => Fixture.Run(async () =>
    {
        // The L2 table is somewhere in the file: the entry that leads there is wrong.
        DamagedImage image = Make("v3", q => q.Change(q.L1, entry => entry + 512));
        ulong table = image.Get(image.L1, 8);
        ImageCheck check = (await CheckAsync(repairs)).Check;
        Assert.That((check.CorruptionCount > 0, check.LeakCount, check.MendedLeakCount), Is.EqualTo((true, 4L, 0L)), "the table and three clusters look unused");
        image.Bytes.CopyTo(Disk.Storage.Bytes, 0);
        DamagedImage mended = new(Disk.Storage.Bytes);
        mended.Put(mended.L1, 8, table - 512);
        Assert.That((await CheckAsync()).Check.IsClean, Is.True, "somebody who knows where it was can put it right");
    });

    [Test]
    public void Marks_of_doubt_are_taken_off_an_image_that_is_clean([Values(1, 2, 3)] int bits) => Fixture.Run(async () =>
    {
        Make("v3", q => q.Put(72, 8, (ulong)bits));
        if ((bits & 2) != 0)
        {
            Assert.That((await Failure.OfAsync(() => OpenAsync())).Message, Does.EndWith("qcow2: Image is corrupt; cannot be opened read/write"), "it is not to be written");
        }

        Assert.That((await CheckAsync()).Check.IsClean, Is.True, "nothing is wrong");
        Assert.That(new DamagedImage(Disk.Storage.Bytes).Get(72, 8), Is.EqualTo((ulong)bits), "looking changes nothing");
        await CheckAsync(All);
        Assert.That(new DamagedImage(Disk.Storage.Bytes).Get(72, 8), Is.Zero, "the marks");
        await using BlockBackend backend = await OpenAsync();
        await backend.WriteAsync(0, Filled(512, 1));
    });

    [Test]
    public void An_image_that_stopped_is_written_again_after_a_repair() => Fixture.Run(async () =>
    {
        // The guest's first cluster lies over the L1 table.
        Make("v3", q => q.Put(q.L2, 8, (1UL << 63) | (ulong)q.L1));
        await using (BlockBackend backend = await OpenAsync())
        {
            Assert.That((await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[512]))).Message, Does.Contain("Preventing invalid write on metadata (overlaps with active L1 table)"), "why");
            Assert.That(await Failure.IsDoneAsync(() => backend.WriteAsync(1 << 20, new byte[512]).AsTask()), Is.False, "nothing is written any more");
            Assert.That((await backend.CheckAsync(All)).IsClean, Is.True, "mended");
            await backend.WriteAsync(1 << 20, Filled(512, 1));
            await backend.WriteAsync(0, Filled(512, 2));
        }

        Assert.That((await CheckAsync()).Check.IsClean, Is.True, "in the end");
    });

    // The L2 table is the L1 table: that is seen before the first change, and nothing else keeps the image open.
    [Test]
    public void An_image_that_is_closed_at_once_is_marked_corrupt() => Fixture.Run(async () =>
    {
        Make("v3", q => q.Put(q.L1, 8, (1UL << 63) | (ulong)q.L1));
        await using (BlockBackend backend = await OpenAsync())
        {
            Disk.DelayNsMax = 1000;
            Assert.That(await Failure.IsDoneAsync(() => backend.WriteAsync(0, new byte[512]).AsTask()), Is.False, "the write");
        }

        Assert.That(new DamagedImage(Disk.Storage.Bytes).Get(72, 8), Is.EqualTo(2ul), "the mark");
    });

    [Test]
    public void A_read_only_image_is_not_repaired() => Fixture.Run(async () =>
    {
        Make("v3", s_damages["counts"]);
        await using BlockBackend backend = await OpenAsync(isReadOnly: true);
        Assert.That((await Failure.OfAsync(() => backend.CheckAsync(All))).Message, Is.EqualTo("Image is read-only"), "why");
    });
}
