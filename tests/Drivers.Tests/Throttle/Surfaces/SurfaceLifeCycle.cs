using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>What the rows about life cycles do: first what must be there, then the step that a cell is about.</summary>
internal sealed class SurfaceLifeCycle(SurfaceWorld world, IThrottleSurface surface)
{
    private const string ParentName = "p";
    private const string GroupPath = "/throttle-groups/" + SurfaceWorld.GroupName;
    private static readonly OptionsDictionary s_nothing = [];
    private static readonly OptionsDictionary s_below = new() { { "parent", ParentName } };
    private static readonly OptionsDictionary s_ten = new() { { "iops-total", 10 } };
    private static readonly OptionsDictionary s_twenty = new() { { "iops-total", 20 } };

    /// <summary>The first half of the row.</summary>
    public async Task ArrangeAsync(string row)
    {
        switch (row)
        {
            case "L1":
                await world.MakeObjectAsync(ThrottleConfig.Unlimited);
                break;
            case "L2":
                world.MakeImplicit(ThrottleConfig.Unlimited);
                break;
            case "L3" or "L4" or "L5" or "L6" or "L15" or "L17":
                break;
            case "L18":
                if (surface.NeedsGroup)
                {
                    await surface.PrepareAsync(world, ThrottleConfig.Unlimited);
                }

                break;
            case "L19":
                await world.AddObjectAsync("throttle-group,id=" + ParentName);
                await GoBelowAsync();
                break;
            case "L16":
                await surface.PrepareAsync(world, ThrottleConfig.Unlimited with { BpsTotal = new ThrottleLimits(7) });
                break;
            default:
                if (surface.NeedsGroup)
                {
                    await surface.PrepareAsync(world, ThrottleConfig.Unlimited);
                }

                await surface.ApplyAsync(world, SurfaceWorld.GroupName, s_ten);
                break;
        }

        if (row == "L7")
        {
            world.Graph.ThrottleGroups.Join(SurfaceWorld.GroupName).AddMember(AioContext.Current!);
        }
        else if (row == "L8" && world.Graph.Objects.All.Any())
        {
            await world.Graph.ObjectTree.DeleteAsync(SurfaceWorld.GroupName);
        }
    }

    /// <summary>The step that the cell is about.</summary>
    public Task ActAsync(string row) => row switch
    {
        "L1" or "L2" or "L16" => surface.ApplyAsync(world, SurfaceWorld.GroupName, s_ten),
        "L3" or "L4" => surface.ApplyAsync(world, null, s_nothing),
        "L5" => surface.ApplyAsync(world, "1g", s_nothing),
        "L6" => surface.ApplyAsync(world, SurfaceWorld.GroupName, s_nothing),
        "L18" => surface.ApplyAsync(world, "", s_ten),
        "L19" => world.Graph.ObjectTree.DeleteAsync(ParentName),
        "L7" or "L8" => world.Graph.ObjectTree.DeleteAsync(SurfaceWorld.GroupName),
        "L9" => world.Graph.ObjectTree.SetPropertyAsync(SurfaceWorld.GroupName, "x-iops-total", 20),
        "L10" => CheckGetAsync(SurfaceWorld.GroupName),
        "L11" => world.Graph.ObjectTree.SetPropertyAsync(SurfaceWorld.GroupName, "limits", s_twenty),
        "L12" => CheckGetAsync(GroupPath),
        "L13" => world.Graph.ObjectTree.SetPropertyAsync(GroupPath, "limits", s_twenty),
        "L14" => CheckGetFlatAsync(),
        "L15" => surface switch
        {
            DeviceSurface => DeviceSurface.OpenAsync(world, ",throttling.iops-total=1,iops=1"),
            ObjectJsonSurface => world.AddObjectAsync("""{"qom-type":"throttle-group","id":"g","limits":{"bps-total":1},"x-iops-total":1}"""),
            _ => world.AddObjectAsync("throttle-group,id=g,limits.bps-total=1,x-iops-total=1"),
        },
        "L17" => world.OpenAsync(KeyvalParser.Parse("driver=throttle,throttle-group=g,limits.iops-total=1")),
        _ => throw new InvalidOperationException($"nobody knows what to do in row {row}"),
    };

    /// <summary>What must hold where the step has succeeded.</summary>
    public void CheckDone(string row)
    {
        switch (row)
        {
            case "L11" or "L13":
                Assert.That(world.Group.Config.IopsTotal.Rate, Is.EqualTo(20), "set");
                break;
            case "L16":
                Assert.That(world.Graph.ThrottleGroups.KindOf(world.Group), Is.EqualTo(ThrottleGroupKind.Object), "an object's from now on");
                Assert.That((world.Group.Config.BpsTotal.Rate, world.Group.Config.IopsTotal.Rate), Is.EqualTo((7, 10)), "merged");
                break;
        }
    }

    // A place that makes groups makes one below the parent; another one changes one that is there.
    private async Task GoBelowAsync()
    {
        if (surface is IThrottleSettingSurface { NeedsGroup: false } and not ReopenSurface)
        {
            await ((IThrottleSettingSurface)surface).ApplySettingsAsync(world, SurfaceWorld.GroupName, s_below);
        }
        else
        {
            await surface.PrepareAsync(world, ThrottleConfig.Unlimited, ParentName);
            await surface.ApplyAsync(world, SurfaceWorld.GroupName, s_ten);
        }
    }

    // All nineteen, in one order.
    private async Task CheckGetAsync(string path)
    {
        OptionsDictionary limits = (OptionsDictionary)await world.Graph.ObjectTree.GetPropertyAsync(path, "limits");
        Assert.That(limits.Keys, Is.EqualTo(ThrottleKeys.All.Select(key => key.Name)), "every key");
        Assert.That(ThrottleConfig.Unlimited.Merge(LimitsText.Update(limits)), Is.EqualTo(world.Group.Config), "every value");
    }

    private async Task CheckGetFlatAsync()
    {
        OptionValue value = await world.Graph.ObjectTree.GetPropertyAsync(GroupPath, "x-iops-total");
        Assert.That(value.AsText, Is.EqualTo("10"), "one key");
    }
}
