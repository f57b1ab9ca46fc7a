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

    private readonly GraphFixture _fixture = new(drivers: [new ThrottleFilterDriver()], graphOptions: new NodeGraphOptions { Profile = profile });

    /// <summary>The graph.</summary>
    public NodeGraph Graph => _fixture.Graph;

    /// <summary>The group <see cref="GroupName"/>, which is there.</summary>
    public ThrottleGroup Group => Graph.ThrottleGroups.Find(GroupName) ?? throw new InvalidOperationException("there is no group");

    /// <summary>Everything that a refused configuration might have changed, as text.</summary>
    public string Snapshot()
    {
        IEnumerable<string> groups = Graph.ThrottleGroups.Entries.Select(entry => $"{entry.Group.Name} {entry.Kind} {entry.Group.MemberCount} {entry.Group.Config}");
        IEnumerable<string> objects = Graph.Objects.All.Select(entry => $"object {entry.Key}");
        IEnumerable<string> nodes = Graph.Nodes.Select(node => $"node {node.Driver.Name}");
        return string.Join('\n', [.. groups, .. objects, .. nodes]);
    }

    /// <summary>Runs <paramref name="body"/> in the graph's world.</summary>
    public void Run(Func<Task> body) => _fixture.Run(body);

    /// <summary>Opens a node; it stays open until the world ends.</summary>
    public Task<BlockBackend> OpenAsync(OptionsDictionary options) => Graph.OpenAsync(options);

    /// <summary>Creates an object from what <c>--object</c> takes.</summary>
    public Task<IUserObject> AddObjectAsync(string text) => Graph.ObjectTree.AddAsync(CommandOptions.ReadKeyvalOrJson(text, "qom-type", out _));

    /// <summary>Makes the group as nodes and devices do, which hold it for as long as they are there.</summary>
    public void MakeImplicit(ThrottleConfig config) => Graph.ThrottleGroups.JoinOrCreate(GroupName).SetConfig(config);

    /// <summary>Makes the group as an object.</summary>
    public Task MakeObjectAsync(ThrottleConfig config)
    {
        OptionsDictionary limits = [];
        foreach ((string key, long value) in config.Values)
        {
            limits[key] = value;
        }

        return Graph.ObjectTree.AddAsync("throttle-group", GroupName, new OptionsDictionary { { "limits", limits } });
    }

    /// <inheritdoc/>
    public void Dispose() => _fixture.Dispose();
}
