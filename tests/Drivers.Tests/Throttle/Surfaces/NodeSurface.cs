using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>The options of a throttle node, as an option string or nested in JSON.</summary>
internal sealed class NodeSurface(string name, bool isJson) : IThrottleSettingSurface
{
    public string Name => name;

    public bool NeedsGroup => false;

    public string NameOf(string key) => "limits." + key;

    public string RuleNameOf(string key) => "limits." + key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce, string? parentName = null) => world.MakeObjectAsync(inForce, parentName);

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits)
    {
        OptionsDictionary options = Options(group, isJson ? "" : LimitsText.Keyval("limits.", limits));
        if (isJson)
        {
            options["limits"] = limits;
        }

        return world.OpenAsync(options);
    }

    public Task ApplySettingsAsync(SurfaceWorld world, string group, OptionsDictionary settings)
    {
        OptionsDictionary own = LimitsText.OfNode(settings);
        OptionsDictionary options = Options(group, isJson ? "" : LimitsText.Keyval("", own));
        if (isJson)
        {
            foreach ((string key, OptionValue value) in own)
            {
                options[key] = value;
            }
        }

        return world.OpenAsync(options);
    }

    public ThrottleShare ShareIn(SurfaceWorld world) => world.Member.Share;

    private static OptionsDictionary Options(string? group, string rest) =>
        KeyvalParser.Parse("driver=throttle,file.driver=memory,file.filename=a" + (group is null ? "" : $",throttle-group={group}") + rest);
}
