using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit;

/// <summary>
/// A small run that uses everything a world decides: several contexts, timers, yields, locks, queues, jobs. Its hash is the
/// fingerprint of the simulator: one seed gives one hash, in any process.
/// </summary>
public static class SimulationSample
{
    private const int ActorCount = 6;
    private const int RoundCount = 25;

    /// <summary>Runs the sample of <paramref name="seed"/> and returns the hash of everything that happened.</summary>
    public static ulong Run(int seed, bool hasExactTime = false)
    {
        using Simulation world = new(new SimulationOptions { Seed = seed, HasExactTime = hasExactTime });
        AioContext[] homes = [world.MainContext, world.CreateContext("one"), world.CreateContext("two")];
        CoMutex mutex = new();
        world.Run(async () =>
        {
            Task[] actors = [.. Enumerable.Range(0, ActorCount).Select(i => homes[i % homes.Length].RunAsync(() => ActAsync(world, homes, i, mutex)))];
            await Task.WhenAll(actors);
        });
        return world.EventHash;
    }

    private static async Task ActAsync(Simulation world, AioContext[] homes, int actor, CoMutex mutex)
    {
        AioContext home = homes[actor % homes.Length];
        for (int round = 0; round < RoundCount; round++)
        {
            switch (world.Chance.Next(5))
            {
                case 0:
                    await home.YieldAsync();
                    break;
                case 1:
                    await home.DelayAsync(world.Chance.NextLong(1_000_000));
                    break;
                case 2:
                    await home.RunOnWorkers(() => world.Record(actor));
                    break;
                case 3:
                    await mutex.EnterAsync();
                    await home.YieldAsync();
                    mutex.Exit();
                    break;
                default:
                    await homes[world.Chance.Next(homes.Length)].SwitchTo();
                    await home.SwitchTo();
                    break;
            }

            world.Record((actor * 1000) + round);
        }
    }
}
