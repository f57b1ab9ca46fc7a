using BlockGraph.BlockCore.Backend;
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
    public void Counts_are_mended_before_the_first_change([Values(1, 2, 3)] int seed) => Fixture.Run(async () =>
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
    public void Reads_go_on_while_counts_are_mended() => Fixture.Run(async () =>
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
    public void A_change_fails_where_counts_cannot_be_mended_and_the_next_mends_them()
    {
        bool isOver = false;
        for (int failing = 1; !isOver; failing++)
        {
            Assert.That(failing, Is.LessThan(100), "it comes to its end");
            TearDownFixture();
            SetUpFixture();
            Fixture.Run(async () =>
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
