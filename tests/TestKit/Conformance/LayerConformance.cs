using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using NUnit.Framework;

namespace BlockGraph.TestKit.Conformance;

/// <summary>
/// What every driver must do that stands over storage, which can fail and lose power. Inherit <see cref="FilterConformance{TDriver}"/> or
/// <see cref="FormatConformance{TDriver}"/>.
/// </summary>
public abstract class LayerConformance : DriverConformance
{
    // The workload of the checks that repeat one with another fault each time.
    private const int RepeatedRequestCount = 14;

    /// <summary>False for a driver whose unflushed writes may leave anything after a loss of power.</summary>
    protected virtual bool IsCrashSafe => true;

    /// <summary>True for a driver that has its data in more than one place, and so may go on where one call fails.</summary>
    protected virtual bool MasksFailures => false;

    /// <summary>The name of the option that holds the storage.</summary>
    protected virtual string FileOption => "file";

    /// <summary>The bytes that the storage holds at first.</summary>
    internal abstract byte[] InitialStorage { get; }

    internal override void Prepare(ConformanceWorld world) => world.Disk.Storage.Replace((byte[])(world.Setting.Storage ?? InitialStorage).Clone());

    internal override OptionsDictionary Describe(ConformanceWorld world)
    {
        OptionsDictionary options = base.Describe(world);
        options[$"{FileOption}.driver"] = "faulty";
        options[$"{FileOption}.filename"] = DiskName;
        options[$"{FileOption}.align"] = world.Setting.AlignmentBytes;
        options[$"{FileOption}.latency-ns-max"] = world.Setting.LatencyNsMax;
        options[$"{FileOption}.zeroes"] = world.Setting.TakesZeroes;
        return options;
    }

    /// <summary>A flush, and a write with force unit access, reach the storage before they complete.</summary>
    [Test]
    public void A_flush_reaches_the_storage([Range(1, SeedCount)] int seed) => RunEach(seed, async world =>
    {
        Workload workload = new(world, 0, world.Model.Length);
        for (int i = 0; i < 6; i++)
        {
            bool isFua = world.Chance.OneIn(2);
            await workload.WriteAsync(world.Chance.Next(50_000), 1 + world.Chance.Next(20_000), isFua ? RequestFlags.Fua : RequestFlags.None);
            int before = world.Disk.CountOf(StorageCall.Flush);
            if (!isFua)
            {
                await world.Backend.FlushAsync();
                Requirement.Check(world.Disk.CountOf(StorageCall.Flush) > before, "a flush did not reach the storage");
            }

            Requirement.Check(
                world.Disk.UnflushedCount == 0,
                $"after {(isFua ? "a write with force unit access" : "a flush")} {world.Disk.UnflushedCount} changes of the storage are not durable");
        }
    });

    /// <summary>After a loss of power what was flushed is there, and every other byte is one that was written there.</summary>
    [Test]
    public void A_loss_of_power_loses_nothing_that_was_flushed([Range(1, SeedCount)] int seed)
    {
        foreach (ConformanceSetting setting in Settings(seed))
        {
            List<(ByteModel Model, byte[] Storage)> losses = [];
            Run(setting, async world =>
            {
                await OpenOverContentsAsync(world);
                Workload workload = new(world, 0, world.Model.Length) { LeavesFlushes = true };
                for (int round = 0; round < 4; round++)
                {
                    Task work = workload.RunAsync(8);
                    await Task.WhenAll(work, CutPowerAsync(world, losses, work));
                    await world.Backend.FlushAsync();
                    world.Model.Flushed();
                    losses.Add((world.Model.Clone(), world.Disk.BytesAfterPowerLoss()));
                }

                await world.CloseAsync();
            });
            foreach ((ByteModel model, byte[] storage) in losses)
            {
                RequireAfterPowerLoss(setting, model, storage);
            }
        }
    }

    /// <summary>
    /// Each call that the storage gets fails in turn, with torn writes or without: one request fails for it, with old or new bytes; nothing hangs,
    /// nothing leaks, and after closing and opening again the image holds the same.
    /// </summary>
    [Test]
    public void A_failing_storage_call_costs_one_request([Values] bool isTorn)
    {
        foreach (string? options in (string?[])[null, .. OtherOptions])
        {
            bool isOver = false;
            for (int failing = 1; !isOver; failing++)
            {
                isOver = FailCall(new ConformanceSetting(isTorn ? 2 : 1, AlignmentBytes: 512) { OptionText = options }, failing, isTorn);
                Requirement.Check(failing < 2000, "the workload calls the storage without end");
            }
        }
    }

    /// <summary>Calls of the storage fail at random while several requests are under way: each costs the requests that it serves, and no others.</summary>
    [Test]
    public void Failures_at_random_cost_the_requests_they_hit([Range(1, SeedCount)] int seed)
    {
        foreach (ConformanceSetting setting in Settings(seed))
        {
            ByteModel? model = null;
            byte[]? storage = null;
            Run(setting, async world =>
            {
                await OpenOverContentsAsync(world);
                world.Disk.FailOneIn(20);
                world.Disk.TearsWrites = world.Chance.OneIn(2);
                world.Disk.DelayNsMax = 20_000;
                const int PartCount = 4;
                int part = (world.Model.Length / PartCount) | 1;
                await Task.WhenAll(Enumerable.Range(0, PartCount).Select(i =>
                    new Workload(world, i * part, Math.Min(part, world.Model.Length - (i * part))) { MayFail = true }.RunAsync(14)));
                Requirement.Check(world.Disk.FailedCount > 0, "nothing failed");
                world.Disk.Heal();
                await world.RequireContentsAsync("after failures at random");
                model = world.Model;
                await world.CloseAsync();
                storage = (byte[])world.Disk.Storage.Bytes.Clone();
            });
            Run(setting with { Storage = storage }, async world =>
            {
                await OpenOverContentsAsync(world);
                Requirement.Same(KeepsData ? model!.Difference(await world.ReadAllAsync()) : null, "opened again, after failures at random");
                await RequireSoundAsync(world, "opened again, after failures at random");
                await world.CloseAsync();
            });
        }
    }

    /// <summary>Each call that opening makes to the storage fails in turn, and what the storage holds stays as it was.</summary>
    [Test]
    public void Opening_over_failing_storage_leaves_nothing()
    {
        bool isOver = false;
        for (int failing = 1; !isOver; failing++)
        {
            Run(new ConformanceSetting(failing), async world =>
            {
                byte[] before = (byte[])world.Disk.Storage.Bytes.Clone();
                world.Disk.FailNth(failing);
                BlockBackend? opened = await TryOpenAsync(world);
                isOver = world.Disk.FailedCount == 0;
                world.Disk.Heal();
                if (opened is not null)
                {
                    await opened.DisposeAsync();
                }

                Requirement.Check(
                    (opened is not null) == isOver || MasksFailures,
                    $"opening {(isOver ? "failed" : "succeeded")}, though call {failing} of the storage {(isOver ? "did not fail" : "failed")}");
                world.RequireNothingLeft($"after failing at call {failing}");
                Requirement.Check(opened is not null || world.Disk.Storage.Bytes.AsSpan().SequenceEqual(before), $"an open that failed at call {failing} has changed the storage");
                await world.OpenAsync();
                await world.CloseAsync();
            });
        }
    }

    private protected override NodeGraph CreateMeasuredGraph(MainLoop loop, out OptionsDictionary options)
    {
        MemoryStorage storage = new(0);
        storage.Replace(InitialStorage);
        options = new() { { "driver", DriverName }, { $"{FileOption}.driver", "flat" } };
        foreach ((string key, OptionValue value) in OptionText.Length > 0 ? GraphFixture.Options(OptionText) : [])
        {
            options[key] = value;
        }

        return new NodeGraph(loop, [new FlatProtocol(storage), .. CreateDrivers()]);
    }

    /// <summary>Opens the driver so that a byte that was lost does not look like one that never was written.</summary>
    private protected virtual Task OpenOverContentsAsync(ConformanceWorld world) => world.OpenAsync();

    /// <summary>What must hold of an image, beside its bytes, after anything that may befall it.</summary>
    private protected virtual Task RequireSoundAsync(ConformanceWorld world, string when) => Task.CompletedTask;

    private static async Task CutPowerAsync(ConformanceWorld world, List<(ByteModel Model, byte[] Storage)> losses, Task work)
    {
        for (int i = 0; i < 5 && !work.IsCompleted; i++)
        {
            await world.PauseAsync(200_000);
            losses.Add((world.Model.Clone(), world.Disk.BytesAfterPowerLoss(world.Chance)));
        }
    }

    private void RequireAfterPowerLoss(ConformanceSetting setting, ByteModel model, byte[] storage) => Run(setting with { Storage = storage }, async world =>
    {
        await OpenOverContentsAsync(world);
        if (KeepsData && IsCrashSafe)
        {
            Requirement.Same(model.DifferenceAfterPowerLoss(await world.ReadAllAsync()), "after a loss of power");
        }

        await RequireSoundAsync(world, "after a loss of power");
        await world.CloseAsync();
    });

    // True where the call was never made.
    private bool FailCall(ConformanceSetting setting, int failing, bool isTorn)
    {
        bool hasFailed = false;
        bool hasClosed = false;
        ByteModel? model = null;
        byte[]? storage = null;
        Run(setting, async world =>
        {
            await OpenOverContentsAsync(world);
            world.Disk.TearsWrites = isTorn;
            world.Disk.FailNth(failing);
            Workload workload = new(world, 0, world.Model.Length) { MayFail = true, RequestBytesMax = 9000 };
            for (int i = 0; i < RepeatedRequestCount; i++)
            {
                await workload.StepAsync();
                Requirement.Check(workload.FailedCount > 0 || world.Disk.FailedCount == 0 || MasksFailures, $"call {failing} of the storage failed, and no request did");
            }

            await RequireContentsAsync(world, $"after call {failing} of the storage has failed");
            model = world.Model;
            hasClosed = await IsClosedAsync(world);
            hasFailed = world.Disk.FailedCount > 0;
            storage = (byte[])world.Disk.Storage.Bytes.Clone();
        });
        Run(setting with { Storage = storage }, async world =>
        {
            await OpenOverContentsAsync(world);
            if (KeepsData)
            {
                byte[] contents = await world.ReadAllAsync();
                Requirement.Same(hasClosed ? model!.Difference(contents) : model!.DifferenceAfterPowerLoss(contents), $"opened again, after call {failing} of the storage had failed");
            }

            await RequireSoundAsync(world, $"opened again, after call {failing} of the storage had failed");
            await world.CloseAsync();
        });
        return !hasFailed;
    }

    private static async Task<bool> IsClosedAsync(ConformanceWorld world)
    {
        try
        {
            await world.CloseAsync();
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }

    // The fault may be left for the reading itself: then for the first.
    private static async Task RequireContentsAsync(ConformanceWorld world, string when)
    {
        int failedBefore = world.Disk.FailedCount;
        try
        {
            await world.RequireContentsAsync(when);
        }
        catch (BlockException) when (world.Disk.FailedCount > failedBefore)
        {
            await world.RequireContentsAsync(when);
        }
    }

    private static async Task<BlockBackend?> TryOpenAsync(ConformanceWorld world)
    {
        try
        {
            return await world.OpenBackendAsync();
        }
        catch (BlockException)
        {
            return null;
        }
    }
}
