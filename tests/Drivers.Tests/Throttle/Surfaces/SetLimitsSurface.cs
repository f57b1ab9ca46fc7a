using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>The properties of a group object that is there.</summary>
internal sealed class SetLimitsSurface : IThrottleSettingSurface
{
    public string Name => "set";

    public bool NeedsGroup => true;

    public string NameOf(string key) => "limits." + key;

    public string RuleNameOf(string key) => key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce, string? parentName = null) => world.MakeObjectAsync(inForce, parentName);

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits) => world.Graph.ObjectTree.SetPropertyAsync(group!, "limits", limits);

    public async Task ApplySettingsAsync(SurfaceWorld world, string group, OptionsDictionary settings)
    {
        foreach ((string key, OptionValue value) in settings)
        {
            await world.Graph.ObjectTree.SetPropertyAsync(group, key, value);
        }
    }
}
