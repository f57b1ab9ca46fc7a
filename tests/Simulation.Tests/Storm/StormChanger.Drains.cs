using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>Drains, and what must be so while one lasts.</content>
internal sealed partial class StormChanger
{
    // A dozen requests can be in flight, of which each makes a few calls of storage, one after the other, and overlapping ones wait for each other: with its
    // latency, a fault's delay and late timers a call takes up to half a millisecond, and a breakpoint as much. What a throttle holds back that the drain
    // reaches it lets go at once; one below what is reached goes on at its own pace, as it should, and then no limit is right.
    private const long DrainNsMax = 100_000_000;

    private async Task<StormOutcome> DrainAsync(Func<BlockNode, HashSet<BlockNode>> reach, Func<BlockNode, ValueTask<DrainScope>> begin)
    {
        if (AnyNode(AnyDisk()) is not { } node)
        {
            return StormOutcome.Refused;
        }

        bool isHeldUp = StormReach.HasThrottleBelow(reach(node));
        long startNs = world.Graph.MainContext.NowNs;
        await using (await begin(node))
        {
            long tookNs = world.Graph.MainContext.NowNs - startNs;
            world.Expect(tookNs <= DrainNsMax || isHeldUp || !world.HasVirtualTime ? null : $"a drain of node '{node.Name}' took {tookNs / 1_000_000} ms");
            BlockBackend[] quiet = [.. world.Graph.Backends.Where(b => b.QuiesceCount > 0 && StormReach.IsAbove(b, node))];
            long[] before = [.. quiet.Select(Completed)];
            await PauseAsync(300_000);
            for (int i = 0; i < quiet.Length; i++)
            {
                // It may have been taken off the node meanwhile; then it is nobody's business.
                if (StormReach.IsAbove(quiet[i], node))
                {
                    world.Expect(quiet[i].InFlightCount == 0 ? null : $"{quiet[i].Description} has {quiet[i].InFlightCount} requests in flight over drained node '{node.Name}'");
                    world.Expect(Completed(quiet[i]) == before[i] ? null : $"{quiet[i].Description} has completed requests over drained node '{node.Name}'");
                }
            }
        }

        CancelNow();
        return StormOutcome.Done;
    }

    // Requests have just been woken, and have not run yet.
    private void CancelNow()
    {
        if (_chance.OneIn(3))
        {
            world.Cancellations.CancelAny(_chance);
        }
    }

    private static long Completed(BlockBackend backend) => Enum.GetValues<RequestKind>().Sum(kind => backend.GetCounters(kind).OperationCount);

    private async Task<StormOutcome> DrainNestedAsync()
    {
        if (AnyNode(AnyDisk()) is not { } one || AnyNode(AnyDisk()) is not { } two)
        {
            return StormOutcome.Refused;
        }

        DrainScope first = _chance.OneIn(3) ? await world.Graph.DrainAllAsync() : await DrainScope.BeginAsync(one, AnyReach());
        await PauseAsync(100_000);
        DrainScope second = _chance.OneIn(3) ? await world.Graph.DrainAllAsync() : await DrainScope.BeginAsync(two, AnyReach());
        world.Expect(one.QuiesceCount > 0 || one.ReferenceCount == 0 ? null : $"node '{one.Name}' is not drained by a drain of its own");
        await PauseAsync(100_000);
        bool isInOrder = _chance.OneIn(2);
        await (isInOrder ? first : second).DisposeAsync();
        await PauseAsync(100_000);
        await (isInOrder ? second : first).DisposeAsync();
        CancelNow();
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> DrainElsewhereAsync()
    {
        if (AnyNode(AnyDisk()) is not { } node)
        {
            return StormOutcome.Refused;
        }

        AioContext context = AnyContext();
        DrainReach reach = AnyReach();
        await context.RunAsync(async () =>
        {
            await using (await DrainScope.BeginAsync(node, reach))
            {
                world.Expect(context.IsHome ? null : "a drain has begun away from home");
                await context.DelayAsync(50_000);
            }
        });
        return StormOutcome.Done;
    }

    private DrainReach AnyReach() => _chance.OneIn(2) ? DrainReach.Node : DrainReach.Subtree;
}
