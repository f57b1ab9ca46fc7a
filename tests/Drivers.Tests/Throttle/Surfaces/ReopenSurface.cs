using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>A throttle node that is there, in another group or one of its own, and gets other options; it keeps the rest.</summary>
internal sealed class ReopenSurface : IThrottleSettingSurface
{
    public string Name => "reopen";

    public bool NeedsGroup => false;

    public string NameOf(string key) => "limits." + key;

    public string RuleNameOf(string key) => "limits." + key;

    public async Task BeginAsync(SurfaceWorld world)
    {
        string group = "";
        if (!world.Graph.Profile.ThrottleGroupIsOptional)
        {
            await world.AddObjectAsync("throttle-group,id=other");
            group = ",throttle-group=other";
        }

        await world.OpenAsync(KeyvalParser.Parse("driver=throttle,node-name=t,file.driver=memory,file.filename=a" + group));
    }

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce, string? parentName = null) => world.MakeObjectAsync(inForce, parentName);

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits) => ReopenAsync(world, group, LimitsText.Keyval("limits.", limits));

    public Task ApplySettingsAsync(SurfaceWorld world, string group, OptionsDictionary settings) => ReopenAsync(world, group, LimitsText.Keyval("", LimitsText.OfNode(settings)));

    public ThrottleShare ShareIn(SurfaceWorld world) => world.Member.Share;

    private static Task ReopenAsync(SurfaceWorld world, string? group, string rest)
    {
        OptionsDictionary changes = KeyvalParser.Parse("node-name=t" + (group is null ? "" : ",throttle-group=" + group) + rest);
        return world.Graph.ApplyAsync(GraphEdit.Reopen(world.Graph.FindNode("t")!, changes));
    }
}
