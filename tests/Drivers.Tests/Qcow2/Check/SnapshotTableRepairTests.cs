using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Tests.Qcow2.Damage;
using BlockGraph.Drivers.Tests.Qcow2.Snapshots;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Check;

/// <summary>A snapshot table that cannot be right keeps an image from being opened, but not from being checked and mended. Texts as QEMU 7.2 was observed to have them.</summary>
[TestFixture]
public sealed class SnapshotTableRepairTests : SnapshotTestBase
{
    private static readonly Qcow2CreateOptions s_options = new() { LengthBytes = 64 << 10, ClusterBits = 9 };

    // What is wrong, what opening says, what a check says, and how many snapshots are left.
    [TestCase("extra", "Too much extra metadata in snapshot table entry 1", "ERROR failed to read the snapshot table: Too much extra metadata in snapshot table entry 1", 2)]
    [TestCase("extra-max", "Too much extra metadata in snapshot table entry 0", "ERROR failed to read the snapshot table: Too much extra metadata in snapshot table entry 0", 0)]
    [TestCase("count", "Snapshot table too large", "ERROR snapshot table too large", 2)]
    public void What_is_too_much_is_left_out(string damage, string refusal, string finding, int leftCount) => Fixture.Run(async () =>
    {
        byte[] expected = await PrepareAsync();
        Spoil(damage);
        byte[] before = (byte[])Disk.Storage.Bytes.Clone();
        Assert.That((await Failure.OfAsync(() => OpenAsync())).Message, Is.EqualTo(refusal), "it is not opened");
        foreach (ImageRepairs repairs in new[] { ImageRepairs.None, ImageRepairs.Leaks })
        {
            await using BlockBackend looked = await OpenForCheckAsync(isReadOnly: repairs == ImageRepairs.None);
            BlockException error = await Failure.OfAsync(() => looked.CheckAsync(new ImageCheckRequest { Repairs = repairs }));
            Assert.That((error.Message, error.Kind), Is.EqualTo((finding, BlockErrorKind.TooLarge)), $"a check, {repairs}");
        }

        Assert.That(Disk.Storage.Bytes, Is.EqualTo(before), "nothing is changed");
        await using (BlockBackend backend = await OpenForCheckAsync(isReadOnly: false))
        {
            ImageCheck check = await backend.CheckAsync(new ImageCheckRequest { Repairs = ImageRepairs.Leaks | ImageRepairs.Errors });
            Assert.That((check.CorruptionCount, check.LeakCount), Is.EqualTo((0, 0)), "nothing is wrong then");
            Assert.That(check.MendedCorruptionCount, Is.Positive, "it was mended");
        }

        RequireSound(Disk.Storage.Bytes, "afterwards");
        await using BlockBackend again = await OpenAsync();
        Assert.That(All(again), Has.Count.EqualTo(leftCount), "snapshots");
        Assert.That(await ReadAllAsync(again), Is.EqualTo(expected), "the data");
    });

    [Test]
    public void A_table_that_lies_as_none_can_is_told_and_not_mended() => Fixture.Run(async () =>
    {
        await PrepareAsync();
        Spoil("offset");
        byte[] before = (byte[])Disk.Storage.Bytes.Clone();
        await using BlockBackend backend = await OpenForCheckAsync(isReadOnly: false);
        BlockException error = await Failure.OfAsync(() => backend.CheckAsync(new ImageCheckRequest { Repairs = ImageRepairs.Leaks | ImageRepairs.Errors }));
        Assert.That(error.Message, Is.EqualTo("ERROR snapshot table offset invalid"), "the finding");
        Assert.That(Disk.Storage.Bytes, Is.EqualTo(before), "nothing is changed");
    });

    [Test]
    public void A_repair_that_fails_makes_nothing_worse([Values(BlockErrorKind.InputOutput, BlockErrorKind.NoSpace)] BlockErrorKind kind, [Values] bool isSticky)
    {
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            Fixture.Run(async () =>
            {
                byte[] expected = await PrepareAsync();
                Spoil("extra");
                await using (BlockBackend backend = await OpenForCheckAsync(isReadOnly: false))
                {
                    Disk.FailNth(failing, null, kind, isSticky);
                    try
                    {
                        isOver = (await backend.CheckAsync(new ImageCheckRequest { Repairs = ImageRepairs.Leaks | ImageRepairs.Errors })).UncheckedCount == 0;
                    }
                    catch (BlockException)
                    {
                        isOver = false;
                    }

                    Disk.Heal();
                    await backend.CheckAsync(new ImageCheckRequest { Repairs = ImageRepairs.Leaks | ImageRepairs.Errors });
                }

                RequireSound(Disk.Storage.Bytes, $"with call {failing} failing");
                await using BlockBackend again = await OpenAsync();
                Assert.That((All(again).Count, await ReadAllAsync(again)), Is.EqualTo((2, expected)), $"with call {failing} failing");
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                Assert.That(failing, Is.GreaterThan(5), "a repair takes several calls");
                return;
            }
        }
    }

    private Task<BlockBackend> OpenForCheckAsync(bool isReadOnly) => Fixture.OpenAsync(
        $"driver=qcow2,file.driver=faulty,file.filename=disk,read-only={(isReadOnly ? "on" : "off")}", new BackendOptions { ReadOnly = isReadOnly, ForCheck = true });

    private void Spoil(string damage)
    {
        DamagedImage image = new(Disk.Storage.Bytes);
        switch (damage)
        {
            case "extra":
                image.Put(image.Snapshot(1) + 36, 4, 1025);
                break;
            case "extra-max":
                image.Put(image.Snapshot(0) + 36, 4, 0xffffffff);
                break;
            case "count":
                // Behind the table there is nothing.
                long start = image.Snapshot(0);
                byte[] table = image.Bytes[(int)start..(int)image.Snapshot(2)];
                int end = (image.Bytes.Length + 511) & ~511;
                image.Write(end, table);
                image.Put(64, 8, (ulong)end);
                image.Put(60, 4, 65_537);
                break;
            default:
                image.Put(64, 8, image.Get(64, 8) + 8);
                break;
        }

        Disk.Storage.Replace(image.Bytes);
    }

    private async Task<byte[]> PrepareAsync()
    {
        await using BlockBackend backend = await MakeAndOpenAsync(s_options);
        await WriteAsync(backend, 0, 20_000, 1);
        await CreateAsync(backend, "a");
        await CreateAsync(backend, "b");
        await WriteAsync(backend, 10_000, 20_000, 2);
        return await ReadAllAsync(backend);
    }
}
