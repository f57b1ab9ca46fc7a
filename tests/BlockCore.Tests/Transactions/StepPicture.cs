using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Tests.Scenarios;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Drawing;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>Everything that an operation must leave as it was where it fails: the graph, its references and options, and what lies beyond it.</summary>
/// <param name="Text">Edges, permissions, drains and references.</param>
/// <param name="Drawing">What a user sees, and was given.</param>
/// <param name="Beyond">What drivers and storage hold.</param>
internal sealed record StepPicture(string Text, GraphPicture Drawing, string Beyond)
{
    /// <summary>The world as it is now.</summary>
    public static StepPicture Of(GraphFixture fixture)
    {
        NodeGraph graph = fixture.Graph;
        string labels = string.Join(' ', graph.Nodes.Where(n => n.Instance is RoleDriver.RoleInstance).Select(n => $"{n.Name}={((RoleDriver.RoleInstance)n.Instance).Label}"));
        int openCount = fixture.Memory.Storages.Sum(s => s.OpenCount);
        return new StepPicture(
            GraphText.Of(graph), GraphPicture.Of(graph), $"{labels}, {openCount} storages open, {graph.EveryNode.Count} nodes, {graph.Drains.Count} drains");
    }
}
