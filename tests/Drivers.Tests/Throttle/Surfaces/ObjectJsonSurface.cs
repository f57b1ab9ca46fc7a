using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>A group object in JSON, its limits nested. Where the group is there already, the object adopts it.</summary>
internal sealed class ObjectJsonSurface : IThrottleSurface
{
    private bool _isAdopting;

    public string Name => "object json";

    public bool NeedsGroup => false;

    public string NameOf(string key) => "limits." + key;

    public string RuleNameOf(string key) => key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce)
    {
        world.MakeImplicit(inForce);
        _isAdopting = true;
        return Task.CompletedTask;
    }

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits)
    {
        OptionsDictionary options = new() { { "qom-type", "throttle-group" }, { "limits", limits } };
        if (group is not null)
        {
            options["id"] = group;
        }

        if (_isAdopting)
        {
            options["adopt"] = true;
        }

        return world.Graph.ObjectTree.AddAsync(options);
    }
}
