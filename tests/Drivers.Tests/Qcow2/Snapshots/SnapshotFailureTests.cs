using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Snapshots;

/// <summary>Whatever call of the file fails, and whenever the power is cut: a change of snapshots is there as a whole, or not at all, and nothing leaks.</summary>
[TestFixture("")]
[TestFixture(",refcount-cache-size=1024")]
public sealed class SnapshotFailureTests(string moreOptions) : SnapshotTestBase
{
    private const int Length = 64 << 10;

    public enum Change
    {
        Create,
        Apply,
        Delete,
    }

    // Counts of 8 bytes, so that the table of counts grows as well.
    private static readonly Qcow2CreateOptions s_options = new() { LengthBytes = Length, ClusterBits = 9, RefcountOrder = 6 };

    /// <summary>With two blocks of new counts in memory the others lie where they are to be.</summary>
    private protected override string MoreOptions => moreOptions;

    // backend -> qcow2 -> disk that fails
    [Test]
    public void A_call_that_fails_costs_the_change_and_nothing_else([Values] Change change, [Values(BlockErrorKind.InputOutput, BlockErrorKind.NoSpace)] BlockErrorKind kind, [Values] bool isSticky)
    {
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            string when = $"with call {failing} failing";
            Fixture.Run(async () =>
            {
                byte[] expected;
                await using (BlockBackend backend = await PrepareAsync(isSticky ? ",overlap-check=all" : ""))
                {
                    (byte[] before, string names) = (await ReadAllAsync(backend), Names(backend));
                    Disk.FailNth(failing, null, kind, isSticky);
                    isOver = await TryAsync(() => DoAsync(backend, change));
                    Disk.Heal();
                    if (!isOver)
                    {
                        Assert.That(await ReadAllAsync(backend), Is.EqualTo(before), $"the data {when}");
                        Assert.That(Names(backend), Is.EqualTo(names), $"the snapshots {when}");
                        RequireSound(Disk.BytesAfterPowerLoss(), $"{when}, without power at once");
                        await WriteAsync(backend, 3000, 30_000, 9);
                        await DoAsync(backend, change);
                    }

                    expected = await ReadAllAsync(backend);
                }

                RequireSound(Disk.Storage.Bytes, $"{when}, at the end");
                await using BlockBackend again = await OpenAsync();
                Assert.That(await ReadAllAsync(again), Is.EqualTo(expected), $"opened again {when}");
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                Assert.That(failing, Is.GreaterThan(8), "a change takes several calls");
                return;
            }
        }
    }

    [Test]
    public void A_power_cut_leaves_the_old_image_or_the_new([Values] Change change, [Range(1, 4)] int seed)
    {
        (byte[] Data, string Names)? changed = null;
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            string when = $"without power from call {failing} on";
            Fixture.Run(async () =>
            {
                (byte[] Data, string Names) old;
                byte[] image;
                await using (BlockBackend backend = await PrepareAsync())
                {
                    old = (await ReadAllAsync(backend), Names(backend));
                    Disk.FailNth(failing, isSticky: true);
                    isOver = await TryAsync(() => DoAsync(backend, change));
                    image = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)(seed + (failing * 100))));
                    Disk.Heal();
                    changed ??= await OutcomeAsync(backend, change);
                }

                RequireSound(image, when);
                Disk.Storage.Replace(image);
                await using BlockBackend again = await OpenAsync();
                (byte[] Data, string Names) after = (await ReadAllAsync(again), Names(again));
                Assert.That(IsSame(after, old) || IsSame(after, changed!.Value), $"{when} the image is the old one or the new one: {after.Names}");
                Assert.That(!isOver || IsSame(after, changed!.Value), "what has completed is there");
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                return;
            }
        }
    }

    // What the change makes of the image, whether it has failed before or not.
    private static async Task<(byte[] Data, string Names)> OutcomeAsync(BlockBackend backend, Change change)
    {
        await DoAsync(backend, change);
        return (await ReadAllAsync(backend), Names(backend));
    }

    private static bool IsSame((byte[] Data, string Names) one, (byte[] Data, string Names) other) => one.Names == other.Names && one.Data.AsSpan().SequenceEqual(other.Data);

    // Closed once, so that nothing waits to be freed.
    private async Task<BlockBackend> PrepareAsync(string more = "")
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_options))
        {
            await WriteAsync(backend, 500, 30_000, 1);
            await CreateAsync(backend, "a");
            await WriteAsync(backend, 10_000, 30_000, 2);
            await CreateAsync(backend, "b");
            await WriteAsync(backend, 20_000, 5000, 3);
        }

        return await OpenAsync(more);
    }

    private static Task DoAsync(BlockBackend backend, Change change) => change switch
    {
        Change.Create => CreateAsync(backend, "c"),
        Change.Apply => ApplyAsync(backend, "a"),
        _ => DeleteAsync(backend, "a"),
    };

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
