using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>The option string of a group object, with its keys nested or flat. Where the group is there already, the object adopts it.</summary>
internal sealed class ObjectSurface(string name, string prefix) : IThrottleSurface
{
    private bool _isAdopting;

    public string Name => name;

    public bool NeedsGroup => false;

    public string NameOf(string key) => prefix + key;

    public string RuleNameOf(string key) => prefix == "x-" ? prefix + key : key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce)
    {
        world.MakeImplicit(inForce);
        _isAdopting = true;
        return Task.CompletedTask;
    }

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits) =>
        world.AddObjectAsync("throttle-group" + (group is null ? "" : ",id=" + group) + (_isAdopting ? ",adopt=on" : "") + LimitsText.Keyval(prefix, limits));
}
