using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>Throttles go from group to group, and groups get other limits, while requests wait at them.</content>
internal sealed partial class StormChanger
{
    // Of one group, whoever is in it: that of a node, or one that a user has created.
    private async Task<StormOutcome> SetLimitsAsync()
    {
        if (AnyThrottle() is not { } node)
        {
            return StormOutcome.Refused;
        }

        if (_chance.OneIn(4))
        {
            MemberOf(node).SetShare(_chance.OneIn(3) ? ThrottleShare.Default : new ThrottleShare { Weight = 1 + _chance.Next(9), LimitIops = _chance.OneIn(2) ? world.ChooseRate(_chance) : 0 });
            return StormOutcome.Done;
        }

        if (_chance.OneIn(2))
        {
            return await ApplyAsync(GraphEdit.Reopen(node, GraphFixture.Options($"limits.iops-total={world.ChooseRate(_chance)}")));
        }

        ThrottleGroup group = _chance.OneIn(2) ? MemberOf(node).Group : world.Graph.ThrottleGroups.Groups[_chance.Next(world.Graph.ThrottleGroups.Groups.Count)];
        ThrottleConfig config = AnyConfig();
        ThrottleChangePolicy policy = (ThrottleChangePolicy)_chance.Next(3);

        // A full bucket of a fast group, kept as it is, takes a slow one hours.
        bool isSlower = config.IopsTotal.Rate < group.Config.IopsTotal.Rate;
        group.SetConfig(config, isSlower && policy == ThrottleChangePolicy.Keep ? ThrottleChangePolicy.Scale : policy);
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> ReopenThrottleAsync() => AnyThrottle() is { } node ? await ApplyAsync(ReopenThrottle(node, AnyGroup())) : StormOutcome.Refused;

    // Into a group that the first creates, into each other's, or anywhere.
    private async Task<StormOutcome> ReopenTwoThrottlesAsync()
    {
        if (AnyThrottle() is not { } one || AnyThrottle() is not { } two || ReferenceEquals(one, two))
        {
            return StormOutcome.Refused;
        }

        string name = NewName("g");
        (string first, string second) = _chance.Next(3) switch
        {
            0 => ($"throttle-group={name},limits.iops-total={world.ChooseRate(_chance)}", $"throttle-group={name}"),
            1 => ($"throttle-group={MemberOf(two).Group.Name}", $"throttle-group={MemberOf(one).Group.Name}"),
            _ => (AnyGroup(), AnyGroup()),
        };
        return await ApplyAsync(ReopenThrottle(one, first), ReopenThrottle(two, second));
    }

    // What comes in a drain has its limits back when that is over.
    private async Task<StormOutcome> ReopenDrainedThrottleAsync()
    {
        if (AnyThrottle() is not { } node)
        {
            return StormOutcome.Refused;
        }

        await using (await DrainScope.BeginAsync(node, AnyReach()))
        {
            await PauseAsync(100_000);
            return node.ReferenceCount > 0 ? await ApplyAsync(ReopenThrottle(node, AnyGroup())) : StormOutcome.Refused;
        }
    }

    // Now and then described anew: then it leaves its group where none is named.
    private GraphEdit ReopenThrottle(BlockNode node, string changes)
    {
        OptionsDictionary options = GraphFixture.Options(changes);
        bool keepsOld = !_chance.OneIn(4);
        if (!keepsOld)
        {
            foreach ((string key, OptionValue value) in node.Options.Where(o => o.Key != "throttle-group" && !o.Key.StartsWith("limits.", StringComparison.Ordinal) && o.Key != "throttle-parent"))
            {
                options.SetDefault(key, value);
            }
        }

        return GraphEdit.Reopen(node, options, keepsOld);
    }

    /// <summary>Options that lead to a group: the user's, one that may or may not be there, one of the node's own.</summary>
    private string AnyGroup() => _chance.Next(5) switch
    {
        0 => $"throttle-group={StormBuilder.GroupObject}",
        1 => $"throttle-group={StormBuilder.GroupObject},limits.iops-total={world.ChooseRate(_chance)}",
        2 => $"throttle-group=shared{_chance.Next(2)}",
        3 => $"throttle-group=shared{_chance.Next(2)},limits.iops-total={world.ChooseRate(_chance)}",
        _ => $"limits.iops-total={world.ChooseRate(_chance)}",
    } + AnySettings();

    /// <summary>The options of a throttle that comes: as often as not its group lies below the user's.</summary>
    private string AnyNewThrottle() => _chance.Next(4) switch
    {
        0 => $"throttle-parent={StormBuilder.GroupObject}{AnySettings()}",
        1 => $"throttle-group={NewName("g")},throttle-parent={StormBuilder.GroupObject},limits.iops-total={world.ChooseRate(_chance)}{AnySettings()}",
        _ => AnyGroup(),
    };

    /// <summary>What a node has for itself, and how its group shapes bursts and takes turns; often nothing.</summary>
    private string AnySettings() => _chance.Next(8) switch
    {
        0 => $",share.weight={1 + _chance.Next(9)}",
        1 => $",share.limit-iops={world.ChooseRate(_chance)}",
        2 => $",share.reservation-iops={1 + _chance.Next(50)}",
        3 => ",fair-by=cost,flush-accounting=ops-only",
        4 => ",pacing=on,discard-accounting=none,zeroes-accounting=ops-only",
        5 => $",burst-window={_chance.Next(300)}",
        _ => string.Empty,
    };

    private ThrottleConfig AnyConfig()
    {
        int rate = world.ChooseRate(_chance);
        ThrottleConfig limits = _chance.Next(4) switch
        {
            0 => ThrottleConfig.Unlimited,
            1 => new ThrottleConfig { IopsTotal = new ThrottleLimits(rate, rate + (rate / 2), 2) },
            _ => new ThrottleConfig { IopsTotal = new ThrottleLimits(rate) },
        };
        return limits with { IsFairByCost = _chance.OneIn(4), IsPaced = _chance.OneIn(6), BurstWindowMs = _chance.OneIn(4) ? _chance.Next(300) : ThrottleConfig.DefaultBurstWindowMs };
    }

    private BlockNode? AnyThrottle() => AnyNode(n => n.Instance is ThrottleFilterInstance { HasMember: true });

    private static ThrottleGroupMember MemberOf(BlockNode node) => ((ThrottleFilterInstance)node.Instance).Member;
}
