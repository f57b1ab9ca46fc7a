using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>The options of a throttle node, as an option string or nested in JSON.</summary>
internal sealed class NodeSurface(string name, bool isJson) : IThrottleSurface
{
    public string Name => name;

    public bool NeedsGroup => false;

    public string NameOf(string key) => "limits." + key;

    public string RuleNameOf(string key) => "limits." + key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce) => world.MakeObjectAsync(inForce);

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits)
    {
        string groupOption = group is null ? "" : $",throttle-group={group}";
        OptionsDictionary options = KeyvalParser.Parse("driver=throttle,file.driver=memory,file.filename=a" + groupOption + (isJson ? "" : LimitsText.Keyval("limits.", limits)));
        if (isJson)
        {
            options["limits"] = limits;
        }

        return world.OpenAsync(options);
    }
}
