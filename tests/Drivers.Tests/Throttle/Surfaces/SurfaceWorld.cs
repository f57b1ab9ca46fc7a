using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>A graph in which one cell is tried.</summary>
internal sealed class SurfaceWorld(CompatibilityProfile profile) : IDisposable
{
    /// <summary>The name of the group.</summary>
    public const string GroupName = "g";

    /// <summary>The name of the device that commands and calls are about.</summary>
    public const string DeviceName = "d0";

    private readonly GraphFixture _fixture = new(drivers: [new ThrottleFilterDriver()], graphOptions: new NodeGraphOptions { Profile = profile });

    /// <summary>The graph.</summary>
    public NodeGraph Graph => _fixture.Graph;

    /// <summary>The group <see cref="GroupName"/>, which is there.</summary>
    public ThrottleGroup Group => Graph.ThrottleGroups.Find(GroupName) ?? throw new InvalidOperationException("there is no group");

    /// <summary>The member of the one throttle node.</summary>
    public ThrottleGroupMember Member => Graph.Nodes.Select(node => node.Instance).OfType<ThrottleFilterInstance>().Single().Member;

    /// <summary>
    /// The limits of a group once a device has come with <paramref name="given"/>: those, and nothing of what the group had. A device without limits is in no
    /// group, and changes none.
    /// </summary>
    public static ThrottleConfig Replaced(ThrottleConfig inForce, ThrottleLimitsUpdate given) =>
        ThrottleConfig.Unlimited.Merge(given) is { IsEnabled: true } config ? config : inForce;

    /// <summary>Everything that a refused configuration might have changed, as text.</summary>
    public string Snapshot()
    {
        IEnumerable<string> groups = Graph.ThrottleGroups.Entries.Select(entry =>
            $"{entry.Group.Name} {entry.Kind} {entry.Group.MemberCount} {entry.Group.Config} {entry.Group.Parent?.Name} {entry.Group.Share}");
        IEnumerable<string> objects = Graph.Objects.All.Select(entry => $"object {entry.Key}");
        IEnumerable<string> nodes = Graph.Nodes.Select(node => $"node {node.Driver.Name} {string.Join(',', node.Options.Select(o => $"{o.Key}={o.Value.AsText}"))} {string.Join(',', node.Details.Select(d => $"{d.Key}={d.Value.AsText}"))}");
        IEnumerable<string> devices = Graph.Backends.Select(backend => $"device {backend.Name} {backend.ThrottleGroup?.Name}");
        return string.Join('\n', [.. groups, .. objects, .. nodes, .. devices]);
    }

    /// <summary>The setting <paramref name="key"/> in force, as <paramref name="place"/> has written it.</summary>
    public string? Setting(IThrottleSettingSurface place, string key) => key switch
    {
        "burst-window" => Group.Config.BurstWindowMs.ToString(CultureInfo.InvariantCulture),
        "pacing" => Group.Config.IsPaced ? "on" : "off",
        "fair-by" => Group.Config.IsFairByCost ? "cost" : "requests",
        "parent" => Group.Parent?.Name,
        "max-wait" => Member.MaxWaitMs.ToString(CultureInfo.InvariantCulture),
        _ when key.StartsWith(ThrottleShareReader.Prefix, StringComparison.Ordinal) => ThrottleShareReader.Describe(place.ShareIn(this)).GetText(key),
        _ => Graph.Nodes.First(node => node.Instance is ThrottleFilterInstance).Details.GetText(key),
    };

    /// <summary>Runs <paramref name="body"/> in the graph's world.</summary>
    public void Run(Func<Task> body) => _fixture.Run(body);

    /// <summary>Opens a node; it stays open until the world ends.</summary>
    public Task<BlockBackend> OpenAsync(OptionsDictionary options, BackendOptions? device = null) => Graph.OpenAsync(options, device);

    /// <summary>Opens the device <see cref="DeviceName"/>, without limits.</summary>
    public Task OpenDeviceAsync() => OpenAsync(KeyvalParser.Parse("driver=memory,filename=d0"), new BackendOptions { Name = DeviceName });

    /// <summary>Creates an object from what <c>--object</c> takes.</summary>
    public Task<IUserObject> AddObjectAsync(string text) => Graph.ObjectTree.AddAsync(CommandOptions.ReadKeyvalOrJson(text, "qom-type", out _));

    /// <summary>Makes the group as nodes and devices do, which hold it for as long as they are there.</summary>
    public void MakeImplicit(ThrottleConfig config, string? parentName = null) =>
        Graph.ThrottleGroups.Reserve(GroupName, ThrottleLimitsUpdate.Replacing(config), parentName: parentName).Commit(_fixture.Context);

    /// <summary>Makes the group as an object.</summary>
    public Task MakeObjectAsync(ThrottleConfig config, string? parentName = null)
    {
        OptionsDictionary limits = [];
        foreach ((string key, long value) in config.Values)
        {
            limits[key] = value;
        }

        OptionsDictionary options = new() { { "limits", limits } };
        if (parentName is not null)
        {
            options["parent"] = parentName;
        }

        return Graph.ObjectTree.AddAsync("throttle-group", GroupName, options);
    }

    /// <inheritdoc/>
    public void Dispose() => _fixture.Dispose();
}
