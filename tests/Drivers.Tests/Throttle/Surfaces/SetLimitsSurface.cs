using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>The property <c>limits</c> of a group object that is there.</summary>
internal sealed class SetLimitsSurface : IThrottleSurface
{
    public string Name => "set";

    public bool NeedsGroup => true;

    public string NameOf(string key) => "limits." + key;

    public string RuleNameOf(string key) => key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce) => world.MakeObjectAsync(inForce);

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits) => world.Graph.ObjectTree.SetPropertyAsync(group!, "limits", limits);
}
