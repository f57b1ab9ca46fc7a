using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Tools.Plan;

/// <summary>
/// What the words of a change mean in an open graph. What changes need that is not there yet, such as the backend that one attaches or the
/// context that another moves to, is made for the plan and gone with it.
/// </summary>
internal sealed class PlanWorld(NodeGraph graph) : IAsyncDisposable
{
    private readonly List<BlockBackend> _backends = [];
    private readonly List<IoThread> _threads = [];

    /// <summary>The graph.</summary>
    public NodeGraph Graph => graph;

    /// <summary>The node called <paramref name="name"/>, or the root node of the backend called so.</summary>
    /// <exception cref="BlockException">There is none; the hint says what there is.</exception>
    public BlockNode Node(string name)
    {
        try
        {
            return graph.LookUp(name);
        }
        catch (BlockException failure) when (failure.Kind == BlockErrorKind.NotFound)
        {
            string? nearest = NearestText.Find(name, graph.Nodes.Select(node => node.Name));
            throw new BlockException(failure.Kind, failure.Message, failure)
            {
                Hint = nearest is null ? $"there {(graph.Nodes.Count == 1 ? "is" : "are")} {string.Join(", ", graph.Nodes.Select(node => node.Name))}" : $"did you mean '{nearest}'?",
            };
        }
    }

    /// <summary>The edge by which a user uses its node. It is meant by its own name, or by that of a node that it alone uses.</summary>
    /// <exception cref="BlockException">There is no such user, or more than one.</exception>
    public BlockChild UserEdge(string name)
    {
        if (graph.FindRoot(name) is { } root)
        {
            return root.RootEdge ?? throw new BlockException(BlockErrorKind.NoMedium, $"Device '{name}' has no medium");
        }

        BlockChild[] edges = [.. Node(name).Parents.Where(edge => edge.Parent is IRootParent)];
        return edges.Length switch
        {
            1 => edges[0],
            0 => throw new BlockException(BlockErrorKind.NotFound, $"Node '{name}' is used by no backend itself"),
            _ => throw new BlockException($"Node '{name}' is used by {edges.Length} backends: give the name of one"),
        };
    }

    /// <summary>The context called <paramref name="name"/>.</summary>
    public AioContext Context(string name)
    {
        AioContext? known = _threads.Select(thread => (AioContext)thread.Context)
            .Concat(graph.Nodes.Select(node => node.Context))
            .Append(graph.MainContext)
            .FirstOrDefault(context => context.Name == name);
        if (known is not null)
        {
            return known;
        }

        IoThread thread = new(name, graph.Platform);
        _threads.Add(thread);
        return thread.Context;
    }

    /// <summary>Makes a backend without a medium. One without a name gets one, so that a report can tell it from others.</summary>
    /// <exception cref="BlockException">Its name is malformed or taken.</exception>
    public async Task<BlockBackend> CreateBackendAsync(BackendOptions options, AioContext context)
    {
        BlockBackend backend = await graph.CreateBackendAsync(options with { Name = options.Name ?? FreeName() }, context);
        _backends.Add(backend);
        return backend;
    }

    private string FreeName()
    {
        string name = "new";
        for (int number = 2; graph.FindNode(name) is not null || graph.FindRoot(name) is not null; number++)
        {
            name = $"new{number}";
        }

        return name;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (BlockBackend backend in _backends)
        {
            await backend.DisposeAsync();
        }

        _threads.ForEach(thread => thread.Dispose());
    }
}
