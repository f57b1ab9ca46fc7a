using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Bitmaps;

/// <summary>Whatever call of the file fails, and whenever the power is cut: a change of bitmaps is there or not, nothing leaks, and no bitmap says that something was not written which was.</summary>
[TestFixture]
public sealed class BitmapFailureTests : BitmapTestBase
{
    private const int Length = 64 << 10;
    private const int PieceBytes = 512;

    public enum Change
    {
        Add,
        Remove,
        Merge,
        Clear,
        Disable,
        Store,
    }

    private static readonly Qcow2CreateOptions s_small = new() { LengthBytes = Length, ClusterBits = 9, RefcountOrder = 6 };

    // The names of features reach beyond the first sector.
    private static readonly Qcow2CreateOptions s_large = new() { LengthBytes = Length, ClusterBits = 12 };

    // backend -> qcow2 -> disk that fails
    [Test]
    public void A_call_that_fails_costs_the_change_and_nothing_else(
        [Values] Change change, [Values(BlockErrorKind.InputOutput, BlockErrorKind.NoSpace)] BlockErrorKind kind, [Values] bool isSticky, [Values] bool isSmall)
    {
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            string when = $"where call {failing} fails";
            Fixture.Run(async () =>
            {
                string expected;
                await using (BlockBackend backend = await PrepareAsync(isSmall))
                {
                    string before = Describe(backend);
                    Disk.FailNth(failing, error: kind, isSticky: isSticky);
                    isOver = await TryAsync(() => DoAsync(backend, change));
                    Disk.Heal();
                    if (!isOver)
                    {
                        Assert.That(Describe(backend), Is.EqualTo(before), $"the bitmaps {when}");
                        RequireSound(Disk.BytesAfterPowerLoss(), $"{when}, without power at once");
                        await WriteAsync(backend, 3000, 3000, 9);
                        await DoAsync(backend, change);
                    }

                    expected = Describe(backend);
                }

                RequireSound(Disk.Storage.Bytes, $"{when}, at the end");
                await using BlockBackend again = await OpenAsync();
                Assert.That(Sorted(Describe(again)), Is.EqualTo(Sorted(expected)), $"opened again {when}");
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                Assert.That(failing, Is.GreaterThan(2), "a change takes several calls");
                return;
            }
        }
    }

    // The image is written, stored and closed; the power goes at any call on the way.
    [Test]
    public void After_a_power_cut_a_bitmap_has_every_write_or_is_inconsistent([Values] bool isSmall, [Range(1, 4)] int seed)
    {
        bool wasStored = false;
        bool wasInconsistent = false;
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            string when = $"without power from call {failing} on";
            Fixture.Run(async () =>
            {
                byte[] image;
                byte[] before;
                await using (BlockBackend backend = await PrepareAsync(isSmall))
                {
                    await backend.Root!.ClearBitmapAsync("a");
                    await backend.Root!.StoreBitmapsAsync();
                    before = await ReadAllAsync(backend);
                    Disk.FailNth(failing, isSticky: true);
                    isOver = await TryAsync(() => WorkAsync(backend));
                    image = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)(seed + (failing * 100))));
                    Disk.Heal();
                }

                RequireSound(image, when, mayLeak: true);
                Disk.Storage.Replace(image);
                await using BlockBackend again = await OpenAsync();
                DirtyBitmap bitmap = again.Root!.GetBitmap("a");
                wasInconsistent |= bitmap.IsInconsistent;
                wasStored |= !bitmap.IsInconsistent && bitmap.DirtyBytes > 0;
                Assert.That(!isOver || !bitmap.IsInconsistent, "what has completed is there");
                if (!bitmap.IsInconsistent)
                {
                    AssertCovers(bitmap, before, await ReadAllAsync(again), when);
                }

                await WriteAsync(again, 0, 2000, 7);
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                Assert.That((wasStored, wasInconsistent), Is.EqualTo((true, true)), "both were seen");
                return;
            }
        }
    }

    [Test]
    public void A_change_of_bitmaps_that_a_power_cut_interrupts_is_there_or_not([Values(Change.Add, Change.Remove)] Change change, [Values] bool isSmall, [Range(1, 4)] int seed)
    {
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            string when = $"without power from call {failing} on";
            Fixture.Run(async () =>
            {
                byte[] image;
                await using (BlockBackend backend = await PrepareAsync(isSmall))
                {
                    Disk.FailNth(failing, isSticky: true);
                    isOver = await TryAsync(async () =>
                    {
                        await DoAsync(backend, change);
                        await backend.Root!.StoreBitmapsAsync();
                    });
                    image = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)(seed + (failing * 100))));
                    Disk.Heal();
                }

                RequireSound(image, when);
                Disk.Storage.Replace(image);
                await using BlockBackend again = await OpenAsync();
                string names = string.Join(' ', again.Root!.Bitmaps.Named.Select(bitmap => bitmap.Name).Order(StringComparer.Ordinal));
                string changed = change == Change.Add ? "a b new" : "a";
                Assert.That(names, Is.EqualTo(changed).Or.EqualTo("a b"), $"the bitmaps {when}");
                Assert.That(!isOver || names == changed, "what has completed is there");
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                return;
            }
        }
    }

    // The extension moves the names of features, which reach beyond the first sector, and the name of the backing file behind them.
    [Test]
    public void The_first_bitmap_of_an_image_costs_nothing_that_its_header_has([Range(1, 4)] int seed)
    {
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            string when = $"without power from call {failing} on";
            Fixture.Run(async () =>
            {
                byte[] image;
                MakeImage(new Qcow2CreateOptions { LengthBytes = Length, ClusterBits = 12, BackingFileName = "elsewhere", BackingFormat = "raw" });
                await using (BlockBackend backend = await OpenAloneAsync())
                {
                    Disk.FailNth(failing, isSticky: true);
                    isOver = await TryAsync(async () =>
                    {
                        await AddAsync(backend, "a");
                        await backend.Root!.StoreBitmapsAsync();
                        await backend.Root!.RemoveBitmapAsync("a");
                    });
                    image = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)(seed + (failing * 100))));
                    Disk.Heal();
                }

                RequireSound(image, when);
                Disk.Storage.Replace(image);
                await using BlockBackend again = await OpenAloneAsync();
                Assert.That((again.Root!.Instance.BackingFileName, again.Root!.Instance.BackingFormat), Is.EqualTo(("elsewhere", "raw")), $"the backing file {when}");
                Assert.That(Describe(again), Is.AnyOf("", "a:", "a inconsistent"), $"the bitmaps {when}");
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                Assert.That(failing, Is.GreaterThan(10), "several steps");
                return;
            }
        }
    }

    [Test]
    public void A_full_disk_when_the_image_is_closed_costs_the_bitmaps_and_is_told_of() => Fixture.Run(async () =>
    {
        List<string> warnings = [];
        using IDisposable subscription = Fixture.Graph.Events.Subscribe<BitmapsLost>(warning => warnings.Add(warning.Message));
        byte[] data;
        await using (BlockBackend backend = await PrepareAsync(isSmall: false))
        {
            await WriteAsync(backend, 0, 30_000, 5);
            await backend.FlushAsync();
            data = await ReadAllAsync(backend);
            Disk.FailNth(1, StorageCall.Write, BlockErrorKind.NoSpace, isSticky: true);
        }

        Disk.Heal();
        Assert.That(warnings.Single(), Is.EqualTo("Lost persistent bitmaps during inactivation of node 'top': Failed to write bitmap 'b' to file: No space left on device"), "the warning");
        RequireSound(Disk.Storage.Bytes, "closed", mayLeak: true);
        await using BlockBackend again = await OpenAsync();
        Assert.That(await ReadAllAsync(again), Is.EqualTo(data), "the data");
        Assert.That(Sorted(Describe(again)), Is.EqualTo("a inconsistent; b inconsistent"), "the bitmaps");
    });

    [Test]
    public void Bitmaps_that_could_not_be_written_are_when_there_is_room() => Fixture.Run(async () =>
    {
        string before;
        await using (BlockBackend backend = await PrepareAsync(isSmall: false))
        {
            await WriteAsync(backend, 0, 30_000, 5);
            before = Describe(backend);
            Disk.FailNth(1, StorageCall.Write, BlockErrorKind.NoSpace, isSticky: true);
            await Failure.OfAsync(() => backend.Root!.StoreBitmapsAsync());
            Disk.Heal();
        }

        await using BlockBackend again = await OpenAsync();
        Assert.That(Describe(again), Is.EqualTo(before), "closing has tried again");
    });

    private static async Task WorkAsync(BlockBackend backend)
    {
        await WriteAsync(backend, 0, 5000, 3);
        await backend.FlushAsync();
        await WriteAsync(backend, 40_000, 3000, 4);
        await backend.WriteZeroesAsync(20_000, 9000);
        await backend.Root!.StoreBitmapsAsync();
        await WriteAsync(backend, 60_000, 100, 5);
        await backend.FlushAsync();
        await backend.Root!.StoreBitmapsAsync();
    }

    private static void AssertCovers(DirtyBitmap bitmap, byte[] before, byte[] now, string when)
    {
        for (int at = 0; at < now.Length; at += PieceBytes)
        {
            if (!now.AsSpan(at, PieceBytes).SequenceEqual(before.AsSpan(at, PieceBytes)))
            {
                Assert.That(bitmap.IsDirty(at), Is.True, $"{when}: {at} was written and is clean");
            }
        }
    }

    // Closed once, so that nothing waits to be freed.
    private async Task<BlockBackend> PrepareAsync(bool isSmall)
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(isSmall ? s_small : s_large))
        {
            await WriteAsync(backend, 500, 30_000, 1);
            await AddAsync(backend, "a", PieceBytes);
            await AddAsync(backend, "b", 4096);
            await WriteAsync(backend, 10_000, 30_000, 2);
        }

        return await OpenAsync();
    }

    private Task<BlockBackend> OpenAloneAsync()
    {
        OptionsDictionary options = GraphFixture.Options("driver=qcow2,node-name=top,file.driver=faulty,file.filename=disk");
        options["backing"] = OptionNull.Instance;
        return Fixture.Graph.OpenAsync(options);
    }

    private static Task DoAsync(BlockBackend backend, Change change)
    {
        BlockNode node = backend.Root!;
        return change switch
        {
            Change.Add => AddAsync(backend, "new"),
            Change.Remove => node.RemoveBitmapAsync("b"),
            Change.Merge => node.MergeBitmapsAsync("b", [node.GetBitmap("a")]),
            Change.Clear => node.ClearBitmapAsync("a"),
            Change.Disable => node.SetBitmapEnabledAsync("a", isEnabled: false),
            _ => StoreAsync(backend),
        };
    }

    // What was marked is as it was: a range that is dirty already.
    private static async Task StoreAsync(BlockBackend backend)
    {
        await WriteAsync(backend, 10_240, 512, 6);
        backend.Root!.GetBitmap("a").IsChanged = true;
        await backend.Root!.StoreBitmapsAsync();
    }

    private static string Sorted(string described) => string.Join("; ", described.Split("; ").Order(StringComparer.Ordinal));

    private static async Task<bool> TryAsync(Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }
}
