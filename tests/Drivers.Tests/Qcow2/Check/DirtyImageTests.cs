using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Events;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Tests.Qcow2.Damage;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Check;

/// <summary>Images with lazy reference counts that were not closed: counts are behind, and are mended before the first change.</summary>
[TestFixture]
public sealed class DirtyImageTests : CheckedImages
{
    private const ulong Dirty = 1;

    private ulong Marks => new DamagedImage(Disk.Storage.Bytes).Get(72, 8);

    // Written and flushed, then the power was cut; the counts are in memory only.
    private async Task CrashAsync(int seed)
    {
        Make("lazy");
        await using BlockBackend backend = await OpenAsync();
        for (int i = 0; i < 20; i++)
        {
            await backend.WriteAsync((4L << 20) + (i << 16), Filled(4096, (byte)(i + 1)));
        }

        await backend.FlushAsync();
        byte[] left = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)seed));
        Fixture.Faulty.Disk("left").Storage.Replace(left);
    }

    private void RunWith(bool rebuilds, Func<Task> body)
    {
        SetUpFixture(rebuilds);
        Fixture.Run(body);
    }

    private static async Task RequireDataAsync(BlockBackend backend, string when)
    {
        await RequirePatternsAsync(backend, when);
        byte[] bytes = new byte[4096];
        for (int i = 0; i < 20; i++)
        {
            await backend.ReadAsync((4L << 20) + (i << 16), bytes);
            Assert.That(bytes, Is.All.EqualTo((byte)(i + 1)), $"{when}: write {i}");
        }
    }

    [Test]
    public void Counts_are_mended_before_the_first_change([Values(1, 2, 3)] int seed, [Values] bool rebuilds) => RunWith(rebuilds, async () =>
    {
        await CrashAsync(seed);
        Disk.Storage.Replace(Fixture.Faulty.Disk("left").Storage.Bytes);
        Assert.That(Marks, Is.EqualTo(Dirty), "it was not closed");
        Assert.That((await CheckAsync()).Check.CorruptionCount, Is.GreaterThan(0), "counts are behind");
        byte[] before = (byte[])Disk.Storage.Bytes.Clone();
        await using (BlockBackend reader = await OpenAsync(isReadOnly: true))
        {
            await RequireDataAsync(reader, "read only");
        }

        Assert.That(Disk.Storage.Bytes, Is.EqualTo(before), "who only reads changes nothing");
        await using (BlockBackend backend = await OpenAsync())
        {
            await backend.WriteAsync(32 << 20, Filled(4096, 99));
            await RequireDataAsync(backend, "after a write");
        }

        Assert.That(Marks, Is.Zero, "it was closed");
        Assert.That((await CheckAsync()).Check.IsClean, Is.True, "nothing is wrong");
        await using BlockBackend again = await OpenAsync();
        await RequireDataAsync(again, "in the end");
    });

    [Test]
    public void A_power_cut_while_counts_are_made_anew_leaves_what_is_mended_later([Values(1, 2, 3)] int seed)
    {
        bool isOver = false;
        for (int failing = 1; !isOver; failing++)
        {
            Assert.That(failing, Is.LessThan(100), "it comes to its end");
            RunWith(rebuilds: true, async () =>
            {
                await CrashAsync(1);
                Disk.Storage.Replace(Fixture.Faulty.Disk("left").Storage.Bytes);
                await using (BlockBackend backend = await OpenAsync())
                {
                    Disk.FailNth(failing, StorageCall.Write, isSticky: true);
                    Disk.FailNth(failing, StorageCall.Flush, isSticky: true);
                    isOver = await Failure.IsDoneAsync(() => backend.WriteAsync(32 << 20, Filled(4096, 99)).AsTask());
                    byte[] left = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)seed));
                    Disk.Heal();
                    Fixture.Faulty.Disk("crashed").Storage.Replace(left);
                }

                Disk.Storage.Replace(Fixture.Faulty.Disk("crashed").Storage.Bytes);
                await using (BlockBackend again = await OpenAsync())
                {
                    await again.WriteAsync(32 << 20, Filled(4096, 98));
                    await RequireDataAsync(again, $"call {failing}");
                }

                Assert.That((await CheckAsync()).Check.IsClean, Is.True, $"call {failing}: nothing is wrong");
            });
        }
    }

    [Test]
    public void Each_step_is_told([Values] bool rebuilds) => RunWith(rebuilds, async () =>
    {
        Disk.Storage.Replace(new Qcow2Layout(new Qcow2CreateOptions { LengthBytes = 1 << 20, HasLazyRefcounts = true }.CreateHeaderArea(), 1 << 20).ToArray());
        byte[] left;
        await using (BlockBackend backend = await OpenAsync())
        {
            await backend.WriteAsync(0, Filled(100_000, 7));
            await backend.FlushAsync();
            left = Disk.BytesAfterPowerLoss();
        }

        Disk.Storage.Replace(left);
        List<string> steps = [];
        List<string> warnings = [];
        using IDisposable listener = Fixture.Graph.Events.Subscribe<ImageRepairStep>(step => steps.Add(step.Message));
        using IDisposable warned = Fixture.Graph.Events.Subscribe<ImageRepaired>(warning => warnings.Add(warning.Message));
        await using BlockBackend again = await OpenAsync();
        await again.WriteAsync(0, Filled(1, 7));

        // The table that leads to the data is counted at once.
        string[] found = ["ERROR cluster 5 refcount=0 reference=1", "ERROR cluster 6 refcount=0 reference=1"];
        string[] mended = rebuilds
            ? ["Rebuilding refcount structure", "Repairing cluster 1 refcount=1 reference=0", "Repairing cluster 2 refcount=1 reference=0"]
            : ["Repairing cluster 5 refcount=0 reference=1", "Repairing cluster 6 refcount=0 reference=1"];
        Assert.That(steps, Is.EqualTo((string[])[.. found, .. mended]));
        Assert.That(warnings, Is.EqualTo((string[])["Node 'top': the image was not closed: 2 errors and 0 leaked clusters were repaired"]));
    });

    [Test]
    public void Reads_go_on_while_counts_are_mended([Values] bool rebuilds) => RunWith(rebuilds, async () =>
    {
        await CrashAsync(1);
        Disk.Storage.Replace(Fixture.Faulty.Disk("left").Storage.Bytes);
        await using BlockBackend backend = await OpenAsync();
        Disk.DelayNsMax = 1000;
        List<Task> work = [backend.WriteAsync(32 << 20, Filled(4096, 99)).AsTask(), backend.WriteAsync(0, Filled(4096, 0xa5)).AsTask()];
        byte[][] read = [.. Enumerable.Range(0, 20).Select(static _ => new byte[4096])];
        work.AddRange(read.Select((bytes, i) => backend.ReadAsync((4L << 20) + (i << 16), bytes).AsTask()));
        await Task.WhenAll(work);
        Assert.That(read.Select(static bytes => bytes[0]), Is.EqualTo(Enumerable.Range(1, 20).Select(static i => (byte)i)), "what they read");
        await RequireDataAsync(backend, "after all");
        Assert.That((await backend.CheckAsync()).IsClean, Is.True, "nothing is wrong");
    });

    [Test]
    public void A_change_fails_where_counts_cannot_be_mended_and_the_next_mends_them([Values] bool rebuilds)
    {
        bool isOver = false;
        for (int failing = 1; !isOver; failing++)
        {
            Assert.That(failing, Is.LessThan(100), "it comes to its end");
            RunWith(rebuilds, async () =>
            {
                await CrashAsync(1);
                Disk.Storage.Replace(Fixture.Faulty.Disk("left").Storage.Bytes);
                await using (BlockBackend backend = await OpenAsync())
                {
                    Disk.FailNth(failing);
                    isOver = await Failure.IsDoneAsync(() => backend.WriteAsync(32 << 20, Filled(4096, 99)).AsTask());
                    isOver &= Disk.FailedCount == 0;
                    Disk.Heal();
                    await backend.WriteAsync(32 << 20, Filled(4096, 99));
                    await RequireDataAsync(backend, $"call {failing}");
                }

                Assert.That((await CheckAsync()).Check.IsClean, Is.True, $"call {failing}: nothing is wrong");
            });
        }
    }
}
