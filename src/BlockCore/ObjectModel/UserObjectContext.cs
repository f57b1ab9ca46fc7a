using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.ObjectModel;

/// <summary>What an object type gets to make one object from.</summary>
public sealed class UserObjectContext
{
    internal UserObjectContext(NodeGraph graph, string id, OptionReader options)
    {
        Graph = graph;
        Id = id;
        Options = options;
    }

    /// <summary>The graph that the object will be of.</summary>
    public NodeGraph Graph { get; }

    /// <summary>What it will be called.</summary>
    public string Id { get; }

    /// <summary>Its options.</summary>
    public OptionReader Options { get; }

    /// <summary>Which semantics the graph follows.</summary>
    public CompatibilityProfile Profile => Graph.Profile;
}
