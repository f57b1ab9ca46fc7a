using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Blkdebug;

/// <summary>Workers over a node whose requests fail and stop at random moments, under drains: nothing is lost, nothing hangs, the same under every seed.</summary>
[TestFixture]
public sealed class BlkdebugSimulationTests
{
    private const int SeedCount = 60;
    private const int WorkerCount = 4;
    private const int RoundCount = 25;
    private const int PartBytes = 5000;
    private const int TroubleCount = 12;

    // The workers' parts meet inside of blocks: every write of one pads with bytes of another.
    private const string Options =
        "driver=raw,file.driver=blkdebug,file.node-name=debug,file.align=512,file.max-transfer=2048,file.opt-write-zero=1024,file.image.driver=memory,file.image.filename=disk,"
        + "file.image.zeroes=on,file.image.latency-ns-max=100000,"
        + "file.inject-error.0.event=pwritev_rmw_after_head,file.inject-error.0.state=3,file.inject-error.0.once=on,"
        + "file.inject-error.1.event=pwritev,file.inject-error.1.state=5,file.inject-error.1.iotype=write,file.inject-error.1.once=on,"
        + "file.inject-error.2.event=none,file.inject-error.2.iotype=write-zeroes,file.inject-error.2.errno=95,"
        + "file.set-state.0.event=pwritev_done,file.set-state.0.state=1,file.set-state.0.new_state=2,file.set-state.1.event=pwritev_zero,file.set-state.1.state=2,file.set-state.1.new_state=3,"
        + "file.set-state.2.event=pwritev_rmw_tail,file.set-state.2.state=3,file.set-state.2.new_state=4,file.set-state.3.event=pwritev_done,file.set-state.3.state=4,file.set-state.3.new_state=5";

    private static readonly DebugEvent[] s_events =
        [DebugEvent.Pwritev, DebugEvent.PwritevDone, DebugEvent.PwritevZero, DebugEvent.PwritevRmwHead, DebugEvent.PwritevRmwAfterHead, DebugEvent.PwritevRmwTail, DebugEvent.PwritevRmwAfterTail];

    [Test]
    public void What_fails_is_the_old_or_the_new_and_everything_else_what_was_written()
    {
        int failedCount = 0;
        int suspendedCount = 0;
        for (int seed = 0; seed < SeedCount; seed++)
        {
            try
            {
                (int failed, int suspended, _) = RunSeed(seed);
                failedCount += failed;
                suspendedCount += suspended;
            }
            catch (Exception error)
            {
                throw new AssertionException($"seed {seed}: {error.Message}", error);
            }
        }

        Assert.That(failedCount, Is.GreaterThan(SeedCount), "requests were failed");
        Assert.That(suspendedCount, Is.GreaterThan(SeedCount), "requests were stopped");
    }

    [Test]
    public void A_seed_repeats_the_whole_run()
    {
        (int, int, ulong) first = RunSeed(3);
        Assert.That(RunSeed(3), Is.EqualTo(first), "failures, stops, and the hash of all events");
        Assert.That(RunSeed(4), Is.Not.EqualTo(first), "another seed is another run");
    }

    private static (int FailedCount, int SuspendedCount, ulong Hash) RunSeed(int seed)
    {
        using GraphFixture world = new(new SimulationOptions { Seed = seed }, [new RawDriver(), new BlkdebugDriver()]);
        MemoryStorage disk = world.Memory.Storage("disk", (WorkerCount * PartBytes / 512 * 512) + 512);
        byte[] model = new byte[disk.Bytes.Length];
        int failedCount = 0;
        int suspendedCount = 0;
        world.Run(async () =>
        {
            await using BlockBackend backend = await world.OpenAsync(Options);
            BlkdebugInstance debug = (BlkdebugInstance)world.Graph.FindNode("debug")!.Instance;
            Task<int[]> workers = Task.WhenAll(Enumerable.Range(0, WorkerCount).Select(i => WorkAsync(world, backend, disk, model, i * PartBytes)));
            Task<int[]> stops = Task.WhenAll(Enumerable.Range(0, 2).Select(i => StopAsync(world, debug, $"{i}")));
            await DrainAsync(world, backend);
            failedCount = (await workers).Sum();
            suspendedCount = (await stops).Sum();
            byte[] read = new byte[model.Length];
            await backend.ReadAsync(0, read);
            Assert.That(read.AsSpan().SequenceEqual(model), Is.True, "the image is what the workers know");
            Assert.That((backend.InFlightCount, debug.SuspendedTags.Count), Is.EqualTo((0, 0)), "nothing is in flight");
        });
        Assert.That(disk.Bytes.AsSpan().SequenceEqual(model), Is.True, "and so is the storage");
        return (failedCount, suspendedCount, world.World.EventHash);
    }

    private static async Task<int> WorkAsync(GraphFixture world, BlockBackend backend, MemoryStorage disk, byte[] model, int start)
    {
        SeededRandom chance = world.World.Chance;
        int failedCount = 0;
        for (int round = 0; round < RoundCount; round++)
        {
            int offset = start + chance.Next(PartBytes - 1);
            byte[] bytes = new byte[1 + chance.Next(start + PartBytes - offset)];
            try
            {
                switch (chance.Next(3))
                {
                    case 0:
                        await backend.ReadAsync(offset, bytes);
                        Assert.That(bytes.AsSpan().SequenceEqual(model.AsSpan(offset, bytes.Length)), Is.True, $"read {offset}+{bytes.Length}");
                        continue;
                    case 1:
                        Array.Fill(bytes, (byte)(1 + chance.Next(250)));
                        await backend.WriteAsync(offset, bytes);
                        break;
                    default:
                        await backend.WriteZeroesAsync(offset, bytes.Length);
                        break;
                }

                bytes.CopyTo(model, offset);
            }
            catch (BlockException error) when (error.Kind == BlockErrorKind.InputOutput)
            {
                // A request in several pieces may have written some of them.
                failedCount++;
                ReadOnlySpan<byte> stored = disk.Bytes.AsSpan(offset, bytes.Length);
                for (int i = 0; i < bytes.Length; i++)
                {
                    Assert.That(stored[i], Is.EqualTo(bytes[i]).Or.EqualTo(model[offset + i]), $"after a failure byte {offset + i} is the old or the new one");
                }

                stored.CopyTo(model.AsSpan(offset));
            }
        }

        return failedCount;
    }

    private static async Task<int> StopAsync(GraphFixture world, BlkdebugInstance debug, string tag)
    {
        int suspendedCount = 0;
        for (int i = 0; i < TroubleCount; i++)
        {
            await world.Context.DelayAsync(world.World.Chance.NextLong(100_000));
            debug.SetBreakpoint(s_events[world.World.Chance.Next(s_events.Length)], tag);
            await world.Context.DelayAsync(world.World.Chance.NextLong(500_000));
            suspendedCount += debug.IsSuspended(tag) ? 1 : 0;
            debug.RemoveBreakpoint(tag);
        }

        return suspendedCount;
    }

    private static async Task DrainAsync(GraphFixture world, BlockBackend backend)
    {
        for (int i = 0; i < TroubleCount; i++)
        {
            await world.Context.DelayAsync(world.World.Chance.NextLong(300_000));
            await using (await backend.DrainAsync())
            {
                Assert.That(backend.InFlightCount, Is.Zero, "a drained backend has nothing in flight");
            }
        }
    }
}
