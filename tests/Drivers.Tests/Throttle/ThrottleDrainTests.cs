using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Throttle;

/// <summary>A throttle that comes while drains come and go hears of each end whose beginning it has heard of.</summary>
[TestFixture]
public sealed class ThrottleDrainTests
{
    // drive -> [throttle ->] disk, on another context than the main one
    [Test]
    public void A_throttle_is_opened_while_a_drain_ends()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, [new ThrottleFilterDriver()]);
            fixture.Run(async () =>
            {
                BlockBackend drive = await fixture.OpenAsync("driver=memory,filename=disk,node-name=disk", new BackendOptions { AllowsContextChange = true });
                await drive.MoveAsync(fixture.ContextOf("io"));
                Task drains = DrainAsync(fixture, drive.Root!);
                await fixture.Graph.ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=throttle,node-name=limit,limits.iops-total=1"), drive.Root!));
                await drains;

                // The first request is free, the second waits: no drain is left that would let it through.
                await drive.ReadAsync(0, new byte[1]);
                Task second = drive.ReadAsync(0, new byte[1]).AsTask();
                await fixture.Context.DelayAsync(100_000_000);
                ThrottleFilterInstance limit = (ThrottleFilterInstance)fixture.Graph.FindNode("limit")!.Instance;
                Assert.That(limit.Member.PendingCount(ThrottleDirection.Read), Is.EqualTo(1), $"seed {seed}: the limit is in force");
                await second;
            });
        }
    }

    // The disk has the throttle above it while that is being opened.
    private static async Task DrainAsync(GraphFixture fixture, BlockNode disk)
    {
        for (int i = 0; i < 20; i++)
        {
            await using (await DrainScope.BeginAsync(disk))
            {
                await fixture.Context.YieldAsync();
            }
        }
    }
}
