using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Throttle;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>
/// Looks through a whole graph for what may never be, at any moment at which no change is being committed: edges that stand on one side only,
/// permissions that are not those that would be computed, counters that are not what they count, two homes in one component, throttles that are in no group.
/// </summary>
internal static class StormAudit
{
    /// <summary>Everything that is wrong with <paramref name="graph"/>. Main context.</summary>
    public static IEnumerable<string> Findings(NodeGraph graph) =>
        Edges(graph).Concat(References(graph)).Concat(CurrentPermissions(graph)).Concat(Drains(graph)).Concat(Homes(graph)).Concat(Blockers(graph)).Concat(Jobs(graph)).Concat(Groups(graph));

    private static IEnumerable<string> Edges(NodeGraph graph)
    {
        foreach (BlockNode node in graph.EveryNode)
        {
            foreach (BlockChild edge in node.Children)
            {
                if (!edge.Node.Parents.Contains(edge) || !ReferenceEquals(edge.Parent, node))
                {
                    yield return $"edge '{edge.Name}' of node '{node.Name}' is unknown to its child '{edge.Node.Name}'";
                }

                if (edge.Node.Rank >= node.Rank)
                {
                    yield return $"node '{node.Name}' is not ranked above its child '{edge.Node.Name}'";
                }
            }

            foreach (BlockChild edge in node.Parents)
            {
                bool isKnown = edge.Parent.AsNode is { } parent ? parent.Children.Contains(edge) : edge.Parent is IRootParent user && user.Edges.Contains(edge);
                if (!isKnown || !ReferenceEquals(edge.Node, node))
                {
                    yield return $"edge '{edge.Name}' above node '{node.Name}' is unknown to {edge.Parent.Description}";
                }
            }
        }

        foreach (BlockChild edge in graph.Roots.SelectMany(r => r.Edges))
        {
            if (!edge.Node.Parents.Contains(edge))
            {
                yield return $"edge '{edge.Name}' of {edge.Parent.Description} is unknown to node '{edge.Node.Name}'";
            }
        }
    }

    private static IEnumerable<string> References(NodeGraph graph)
    {
        foreach (BlockNode node in graph.Nodes)
        {
            int least = node.Parents.Count + (node.IsMonitorOwned ? 1 : 0);
            if (node.ReferenceCount < least)
            {
                yield return $"node '{node.Name}' has {node.ReferenceCount} references and {least} holders";
            }
        }
    }

    private static IEnumerable<string> CurrentPermissions(NodeGraph graph)
    {
        GraphDraft draft = new(graph);
        foreach (BlockNode node in graph.EveryNode)
        {
            draft.Touch(node);
        }

        PermissionOutcome outcome = PermissionUpdate.Compute(draft);
        if (outcome.Conflict is { } conflict)
        {
            yield return $"the graph is in conflict with itself: {conflict.Message}";
        }

        foreach (EdgePermissions edge in outcome.Plan?.Edges ?? [])
        {
            yield return $"edge '{edge.Edge.Name}' of {edge.Edge.Parent.Description} has {edge.Edge.Permissions}, and should have {edge.Permissions}";
        }
    }

    private static IEnumerable<string> Drains(NodeGraph graph)
    {
        Dictionary<BlockNode, int> nodes = [];
        Dictionary<IRootParent, int> users = [];
        foreach (DrainScope scope in graph.Drains)
        {
            ReachedSet reached = scope.CollectNow();
            reached.Nodes.ForEach(n => nodes[n] = nodes.GetValueOrDefault(n) + 1);
            reached.Edges.ForEach(e => users[(IRootParent)e.Parent] = users.GetValueOrDefault((IRootParent)e.Parent) + 1);
            graph.Return(reached);
        }

        foreach (BlockNode node in graph.Nodes)
        {
            if (node.QuiesceCount != nodes.GetValueOrDefault(node))
            {
                yield return $"node '{node.Name}' counts {node.QuiesceCount} drains, and {nodes.GetValueOrDefault(node)} reach it";
            }
        }

        foreach (BlockBackend backend in graph.Backends)
        {
            // A scope that has ended lets its users go only after its nodes: a count may be one too high for a moment, never too low.
            if (backend.QuiesceCount < users.GetValueOrDefault(backend))
            {
                yield return $"{backend.Description} counts {backend.QuiesceCount} drains, and {users.GetValueOrDefault(backend)} reach it";
            }
        }
    }

    private static IEnumerable<string> Homes(NodeGraph graph)
    {
        foreach (BlockNode node in graph.EveryNode)
        {
            foreach (BlockChild edge in node.Children)
            {
                if (!ReferenceEquals(edge.Node.Context, node.Context))
                {
                    yield return $"node '{node.Name}' is in '{node.Context.Name}', its child '{edge.Node.Name}' in '{edge.Node.Context.Name}'";
                }
            }
        }

        foreach (BlockBackend backend in graph.Backends)
        {
            if (backend.Root is { } root && !ReferenceEquals(backend.Context, root.Context))
            {
                yield return $"{backend.Description} is in '{backend.Context.Name}', its node '{root.Name}' in '{root.Context.Name}'";
            }
        }
    }

    private static IEnumerable<string> Blockers(NodeGraph graph)
    {
        foreach (BlockNode node in graph.Nodes)
        {
            int due = node.Parents.Count(e => (e.Role & ChildRole.Cow) != 0 || e.Parent is BlockJob);
            if (node.BlockerCount != due)
            {
                yield return $"node '{node.Name}' is protected {node.BlockerCount} times, and {due} users have reason to";
            }
        }
    }

    // Each throttle is a member of a group that is listed and counts it, and lives where the node does.
    private static IEnumerable<string> Groups(NodeGraph graph)
    {
        Dictionary<ThrottleGroup, List<ThrottleGroupMember>> members = [];
        foreach (BlockNode node in graph.EveryNode)
        {
            if (node.HasInstance && node.Instance is ThrottleFilterInstance { HasMember: true, Member: var member })
            {
                members.TryAdd(member.Group, []);
                members[member.Group].Add(member);
                if (!ReferenceEquals(graph.ThrottleGroups.Find(member.Group.Name), member.Group))
                {
                    yield return $"node '{node.Name}' is in throttle group '{member.Group.Name}', which is not there";
                }

                if (!ReferenceEquals(member.Context, node.Context))
                {
                    yield return $"node '{node.Name}' is in '{node.Context.Name}', its place in throttle group '{member.Group.Name}' in '{member.Context?.Name}'";
                }
            }
        }

        Dictionary<ThrottleGroup, int> devices = graph.Backends.Where(b => b.ThrottleGroup is not null).GroupBy(b => b.ThrottleGroup!).ToDictionary(g => g.Key, g => g.Count());
        foreach (ThrottleGroup group in graph.ThrottleGroups.Groups.Union(devices.Keys))
        {
            int nodeCount = members.GetValueOrDefault(group)?.Count ?? 0;
            int deviceCount = devices.GetValueOrDefault(group);
            if (deviceCount > 0 && !ReferenceEquals(graph.ThrottleGroups.Find(group.Name), group))
            {
                yield return $"{deviceCount} devices are in throttle group '{group.Name}', which is not there";
            }

            // One more for a node that is being closed.
            if (group.MemberCount < nodeCount + deviceCount)
            {
                yield return $"throttle group '{group.Name}' has {group.MemberCount} members, and {nodeCount} nodes and {deviceCount} devices are in it";
            }
        }
    }

    private static IEnumerable<string> Jobs(NodeGraph graph)
    {
        foreach (BlockJob job in graph.Roots.OfType<BlockJob>())
        {
            if (job.State is JobState.Paused or JobState.Standby && job.PauseCount == 0)
            {
                yield return $"{job.Description} is {job.State}, and nothing is left that it rests for";
            }
        }
    }
}
