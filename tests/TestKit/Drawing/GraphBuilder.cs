using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.TestKit.Drawing;

/// <summary>
/// Builds a graph from a drawing:
/// <code>
///   base: memory
///   disk: memory(align=512) holds cow(size=1M)
///   top:  cow(backing=base) -> disk
///   blk[consistent-read,write|share=consistent-read] -> top @io1
/// </code>
/// A node's arrow is its <c>file</c> child, other children are options that name them; a driver that needs a file name gets the node's.
/// Nodes may stand in any order, and may name nodes that are in the graph already. docs/testing.md has the whole grammar.
/// </summary>
/// <param name="graph">Where the nodes come to be.</param>
/// <param name="contexts">The context that <c>@NAME</c> means; null: there is none but the main one.</param>
public sealed class GraphBuilder(NodeGraph graph, Func<string, AioContext>? contexts = null)
{
    private readonly List<string> _nodes = [];
    private readonly List<BlockBackend> _backends = [];

    /// <summary>Builds what <paramref name="text"/> draws. Each node is one of the graph's own, until it is removed by name; nothing is left of a failure. Main context.</summary>
    /// <returns>The backends, in the order of their lines.</returns>
    /// <exception cref="DrawingException">The text is malformed, or names what is not drawn; the message shows the place.</exception>
    /// <exception cref="BlockException">A node cannot be opened; the message begins with the line.</exception>
    public async Task<IReadOnlyList<BlockBackend>> BuildAsync(string text)
    {
        GraphDrawing drawing = GraphDrawing.Parse(text);
        DrawingPlan plan = new(graph, drawing, text);
        _nodes.Clear();
        _backends.Clear();
        try
        {
            foreach (DrawnNode node in plan.InOrder())
            {
                await OnLineAsync(node.Line, () => AddAsync(node));
            }

            foreach (DrawnBackend backend in drawing.Backends)
            {
                await OnLineAsync(backend.Line, () => AddAsync(backend));
            }

            foreach ((int line, string node, string context) in plan.Moves())
            {
                await OnLineAsync(line, () => MoveAsync(node, context));
            }

            return [.. _backends];
        }
        catch
        {
            await UndoAsync();
            throw;
        }
    }

    private static async Task OnLineAsync(int line, Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"line {line}: ");
        }
    }

    private async Task AddAsync(DrawnNode drawn)
    {
        BlockDriver driver = graph.Drivers.Get(drawn.Driver);
        OptionsDictionary options = new() { { "driver", drawn.Driver }, { "node-name", drawn.Name } };
        foreach (DrawnOption option in drawn.Options)
        {
            options.Add(option.Key, option.Value == "null" && DrawingPlan.IsEdge(driver, option.Key) ? OptionNull.Instance : option.Value);
        }

        foreach (DrawnEdge edge in drawn.Edges)
        {
            options[edge.Name] = edge.Child;
        }

        if (driver.NeedsFileName)
        {
            options.SetDefault("filename", drawn.Name);
        }

        BlockNode node = await graph.AddNodeAsync(options);
        _nodes.Add(drawn.Name);
        if (drawn.ImageFormat is { } format)
        {
            await DrawnImage.MakeAsync(node, format, drawn.ImageOptions);
        }
    }

    private async Task AddAsync(DrawnBackend drawn)
    {
        BackendOptions options = new() { Name = drawn.Name, Permissions = drawn.Permissions };
        _backends.Add(drawn.Root is { } root
            ? await graph.AttachBackendAsync(graph.LookUp(root), options)
            : await graph.CreateBackendAsync(options, drawn.Context is { } context ? ContextOf(context) : null));
    }

    private Task MoveAsync(string node, string context) => graph.ApplyAsync(GraphEdit.Move(graph.LookUp(node), ContextOf(context), isForced: true));

    private AioContext ContextOf(string name) =>
        name == graph.MainContext.Name ? graph.MainContext
        : contexts?.Invoke(name) ?? throw new BlockException(BlockErrorKind.NotFound, $"There is no context '{name}'");

    private async Task UndoAsync()
    {
        for (int i = _backends.Count - 1; i >= 0; i--)
        {
            await _backends[i].DisposeAsync();
        }

        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            await graph.RemoveNodeAsync(_nodes[i]);
        }
    }
}
