using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>A group object in JSON, its limits nested. Where the group is there already, the object adopts it.</summary>
internal sealed class ObjectJsonSurface : IThrottleSettingSurface
{
    private bool _isAdopting;
    private string? _parentName;

    public string Name => "object json";

    public bool NeedsGroup => false;

    public string NameOf(string key) => "limits." + key;

    public string RuleNameOf(string key) => key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce, string? parentName = null)
    {
        world.MakeImplicit(inForce, parentName);
        _isAdopting = true;
        _parentName = parentName;
        return Task.CompletedTask;
    }

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits) => AddAsync(world, group, new OptionsDictionary { { "limits", limits } });

    // A share wants the parent said again.
    public Task ApplySettingsAsync(SurfaceWorld world, string group, OptionsDictionary settings)
    {
        OptionsDictionary options = settings.Clone();
        if (_parentName is not null)
        {
            options.SetDefault("parent", _parentName);
        }

        return AddAsync(world, group, options);
    }

    private Task<IUserObject> AddAsync(SurfaceWorld world, string? group, OptionsDictionary options)
    {
        options["qom-type"] = "throttle-group";
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
