using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Drain;

/// <content>Counting in and out.</content>
public sealed partial class DrainScope
{
    private enum SeedKind
    {
        Nothing,
        Node,
        Subtree,
        All,
        User,
    }

    /// <summary>True where it has been disposed, or is about to be.</summary>
    internal bool IsEnded => _isEnded;

    /// <summary>How many of the edges that it holds back are those of <paramref name="user"/>. Main context.</summary>
    internal int CountEdgesOf(IRootParent user)
    {
        int count = 0;
        foreach (BlockChild edge in _reached?.Edges ?? [])
        {
            if (ReferenceEquals(edge.Parent, user))
            {
                count++;
            }
        }

        return count;
    }

    // What is new is told before what is left is let go, so that nothing flows in between.
    private void ApplyDifference(ReachedSet old, ReachedSet now)
    {
        int kept = _graph.NextVisitMark();
        foreach (BlockNode node in old.Nodes)
        {
            node.VisitMark = node.VisitMark == now.Mark ? kept : 0;
        }

        foreach (BlockNode node in old.Released)
        {
            node.ReleaseMark = node.ReleaseMark == now.Mark ? kept : 0;
        }

        foreach (BlockChild edge in old.Edges)
        {
            edge.VisitMark = edge.VisitMark == now.Mark ? kept : 0;
        }

        BeginNew(now);
        EndOld(old, kept);
    }

    private static void BeginNew(ReachedSet now)
    {
        foreach (BlockNode node in now.Nodes)
        {
            if (node.VisitMark == now.Mark)
            {
                node.QuiesceBegin();
            }
        }

        foreach (BlockNode node in now.Released)
        {
            if (node.ReleaseMark == now.Mark)
            {
                node.ReleaseBegin();
            }
        }

        foreach (BlockChild edge in now.Edges)
        {
            if (edge.VisitMark == now.Mark)
            {
                ((IRootParent)edge.Parent).DrainedBegin();
            }
        }
    }

    private static void EndOld(ReachedSet old, int kept)
    {
        foreach (BlockNode node in old.Nodes)
        {
            if (node.VisitMark != kept)
            {
                node.QuiesceEnd();
            }
        }

        foreach (BlockNode node in old.Released)
        {
            if (node.ReleaseMark != kept)
            {
                node.ReleaseEnd();
            }
        }

        foreach (BlockChild edge in old.Edges)
        {
            if (edge.VisitMark != kept)
            {
                ((IRootParent)edge.Parent).DrainedEnd();
            }
        }
    }

    private bool HasForeignNode()
    {
        foreach (BlockNode node in _reached!.Nodes)
        {
            if (!node.Context.IsHome)
            {
                return true;
            }
        }

        return false;
    }

    // Drivers hear of the end before the first request that it lets through.
    private async Task EndAsync()
    {
        List<AioContext> homes = [];
        foreach (BlockNode node in _reached!.Nodes)
        {
            if (!node.Context.IsHome && !homes.Contains(node.Context))
            {
                homes.Add(node.Context);
            }
        }

        EndNodes();
        foreach (AioContext home in homes)
        {
            await home.SwitchTo();
            await _graph.MainContext.SwitchTo();
        }

        foreach (BlockNode node in _reached.Nodes)
        {
            while (node.IsHookQueued)
            {
                await node.Context.SwitchTo();
                await _graph.MainContext.SwitchTo();
            }
        }

        EndUsers();
    }

    // The users are still held back, by the edges of the set; it no longer follows the graph.
    private void EndNodes()
    {
        _graph.RemoveDrain(this);
        foreach (BlockNode node in _reached!.Nodes)
        {
            node.QuiesceEnd();
        }

        foreach (BlockNode node in _reached.Released)
        {
            node.ReleaseEnd();
        }
    }

    private void EndUsers()
    {
        ReachedSet reached = _reached!;
        _reached = null;
        foreach (BlockChild edge in reached.Edges)
        {
            ((IRootParent)edge.Parent).DrainedEnd();
        }

        _graph.Return(reached);
    }

    /// <summary>What a scope was asked to drain.</summary>
    private readonly record struct Seed(object? Subject, SeedKind Kind);
}
