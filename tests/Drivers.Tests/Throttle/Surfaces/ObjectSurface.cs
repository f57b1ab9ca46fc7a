using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>The option string of a group object, with its keys nested or flat. Where the group is there already, the object adopts it.</summary>
internal sealed class ObjectSurface(string name, string prefix) : IThrottleSettingSurface
{
    private bool _isAdopting;
    private string? _parentName;

    public string Name => name;

    public bool NeedsGroup => false;

    public string NameOf(string key) => prefix + key;

    public string RuleNameOf(string key) => prefix == "x-" ? prefix + key : key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce, string? parentName = null)
    {
        world.MakeImplicit(inForce, parentName);
        _isAdopting = true;
        _parentName = parentName;
        return Task.CompletedTask;
    }

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits) =>
        AddAsync(world, group, LimitsText.Keyval(prefix, limits));

    // A share wants the parent said again.
    public Task ApplySettingsAsync(SurfaceWorld world, string group, OptionsDictionary settings) =>
        AddAsync(world, group, (_parentName is null || settings.ContainsKey("parent") ? "" : ",parent=" + _parentName) + LimitsText.Keyval("", settings));

    private Task<IUserObject> AddAsync(SurfaceWorld world, string? group, string rest) =>
        world.AddObjectAsync("throttle-group" + (group is null ? "" : ",id=" + group) + (_isAdopting ? ",adopt=on" : "") + rest);
}
