using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>Nodes get other options, and with them other children and other descriptors: all of them, or none.</summary>
internal sealed class ReopenEdit(IReadOnlyList<ReopenRequest> requests) : GraphEdit
{
    private readonly List<(BlockNode Node, ReopenRequest Request)> _resolved = [];
    private ReopenSet? _set;

    /// <inheritdoc/>
    public override string Description => $"reopen {string.Join(", ", requests.Select(Describe))}";

    internal override Task PrepareAsync(GraphChange change)
    {
        _set = change.Reopens;
        foreach (ReopenRequest request in requests)
        {
            BlockNode node = request.Node ?? Find(change.Graph, request.Options);
            if (_resolved.Exists(r => ReferenceEquals(r.Node, node)))
            {
                throw new BlockException($"Node '{node.Name}' is listed twice");
            }

            change.Keep(node);
            _resolved.Add((node, request));
        }

        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft)
    {
        ReopenQueue queue = new();
        foreach ((BlockNode node, ReopenRequest request) in _resolved)
        {
            queue.Add(node, request.Options, request.KeepsOld);
        }

        foreach (ReopenItem item in queue.Items)
        {
            Check(draft, item);
        }

        _set!.Want(this, [.. queue.Items.Select(item => item.CreateContext())]);
        foreach (ReopenItem item in queue.Items)
        {
            ThrowIfCopying(draft, item.Node, _set.Find(item.Node)!.NewIsReadOnly);
            draft.WantQuiet(item.Node);
            draft.SetAccess(item.Node, draft.AccessOf(item.Node) with { IsReadOnly = _set.Find(item.Node)!.NewIsReadOnly });
        }
    }

    private static string Describe(ReopenRequest request)
    {
        string name = request.Node?.Name ?? request.Options.GetText("node-name") ?? "";
        string options = string.Join(',', request.Options.Flatten().Where(o => o.Key != "node-name").Select(o => $"{o.Key}={o.Value.AsText ?? "null"}"));
        return options.Length == 0 ? $"node '{name}' with {(request.KeepsOld ? "its old options" : "no options")}"
            : request.KeepsOld ? $"node '{name}' with {options}"
            : $"node '{name}' with nothing but {options}";
    }

    private static BlockNode Find(NodeGraph graph, OptionsDictionary options)
    {
        string name = options.GetText("node-name") ?? throw new BlockException("node-name not specified");
        return graph.FindNode(name) ?? throw new BlockException(BlockErrorKind.NotFound, $"Failed to find node with node-name='{name}'");
    }

    private static void Check(GraphDraft draft, ReopenItem item)
    {
        BlockNode node = item.Node;
        if (!node.Driver.SupportsReopen)
        {
            throw new BlockException(
                BlockErrorKind.NotSupported, $"Block format '{node.Driver.Name}' used by node '{node.Name}' does not support reopening files");
        }

        ThrowIfReset(item);
        ThrowIfBackingMissing(item);
        SetChild(draft, item, "backing");
        SetChild(draft, item, "file");
        ThrowIfChanged(draft, item);
    }

    // What had a value and is not spoken of goes back to its default; not every option can.
    private static void ThrowIfReset(ReopenItem item)
    {
        foreach (string key in item.Node.Options.Keys)
        {
            if (item.Options.ContainsKey(key) || key == "node-name" || IsMutable(item.Node.Driver, key))
            {
                continue;
            }

            throw new BlockException($"Option '{key}' cannot be reset to its default value");
        }
    }

    private static void ThrowIfBackingMissing(ReopenItem item)
    {
        BlockNode node = item.Node;
        bool hasBacking = node.CowChild is not null || node.Instance.BackingFileName is not null;
        if (!item.KeepsOld && node.Driver.SupportsBacking && hasBacking && !item.Options.ContainsKey("backing"))
        {
            throw new BlockException($"backing is missing for '{node.Name}'");
        }
    }

    // A reference says which node the child is to be; null, or nothing at all, is a child that is not spoken of.
    private static void SetChild(GraphDraft draft, ReopenItem item, string name)
    {
        OptionsDictionary options = item.Options;
        switch (options.TryGetValue(name, out OptionValue? reference) ? reference : null)
        {
            case null:
                return;
            case OptionNull when name == "backing":
                SetChildEdit.Set(draft, item.Node, name, null);
                break;
            case { AsText: { } text }:
                if (draft.ChildOf(item.Node, name) is null && !Declares(item.Node.Driver, name))
                {
                    return;
                }

                BlockNode child = draft.Graph.FindNode(text)
                    ?? throw new BlockException(BlockErrorKind.NotFound, $"Cannot find device='' nor node-name='{text}'");
                SetChildEdit.Set(draft, item.Node, name, child);
                break;
            default:
                throw new BlockException($"Invalid parameter type for '{name}', expected: string");
        }

        options.Remove(name);
        item.ExplicitOptions.Remove(name);
    }

    private static void ThrowIfChanged(GraphDraft draft, ReopenItem item)
    {
        BlockNode node = item.Node;
        foreach ((string key, OptionValue value) in item.Options.ToArray())
        {
            if (draft.ChildOf(node, key) is { } edge && value.AsText == draft.NodeOf(edge).Name)
            {
                // It names the child that is there.
                item.Options.Remove(key);
                item.ExplicitOptions.Remove(key);
            }
            else if (key == "node-name" ? value.AsText != node.Name : !IsMutable(node.Driver, key) && !IsSame(node, key, value))
            {
                throw new BlockException($"Cannot change the option '{key}'");
            }
        }
    }

    private static void ThrowIfCopying(GraphDraft draft, BlockNode node, bool isReadOnly)
    {
        foreach (BlockChild edge in draft.ParentsOf(node))
        {
            if (isReadOnly && edge.CopiesOnRead)
            {
                throw new BlockException($"Can't set node '{node.Name}' to r/o with copy-on-read enabled");
            }
        }
    }

    private static bool IsSame(BlockNode node, string key, OptionValue value)
    {
        OptionDefinition? definition = Definition(node.Driver, key);
        OptionValue? old = node.Options.TryGetValue(key, out OptionValue? given) ? given : definition?.Default is { } text ? new OptionText(text) : null;
        return old is not null && (old.AsText == value.AsText || (definition is not null && OptionReader.AreEqual(definition, old, value)));
    }

    private static bool Declares(BlockDriver driver, string name) => driver.Options.TryGet(name, out OptionDefinition? definition) && definition.Type == OptionType.Child;

    private static bool IsMutable(BlockDriver driver, string key) => Definition(driver, key) is { IsMutable: true };

    private static OptionDefinition? Definition(BlockDriver driver, string key) =>
        driver.Options.TryResolve(key, out OptionDefinition? own) || CommonOptions.Schema.TryGet(key, out own) ? own : null;
}
