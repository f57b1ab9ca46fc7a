using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// The nodes that a reopen reaches, with the options that each gets: those asked for, and the inline children that inherited from them.
/// Pure: it looks at the graph as it is and at what was asked. <i>QEMU: bdrv_reopen_queue().</i>
/// </summary>
/// <remarks>
/// An option of a node is, in this order: what was asked for; what its user gave before (where old options are kept, or the node is reached a
/// second time); what it inherits from a parent that is reopened too; what was in effect before (where old options are kept); its default.
/// </remarks>
internal sealed class ReopenQueue
{
    private readonly List<ReopenItem> _items = [];

    /// <summary>The nodes, each parent before its children.</summary>
    public IReadOnlyList<ReopenItem> Items => _items;

    /// <summary>Adds a node that was asked for, and what it takes along.</summary>
    public void Add(BlockNode node, OptionsDictionary options, bool keepsOld) => Add(node, options.Flatten(), keepsOld, null);

    private void Add(BlockNode node, OptionsDictionary asked, bool keepsOld, InheritedFrom? parent)
    {
        ReopenItem? item = _items.Find(i => ReferenceEquals(i.Node, node));
        OptionsDictionary askedBefore = item?.AskedOptions ?? [];
        OptionsDictionary explicitOptions = asked.Clone();
        if (keepsOld || item is not null)
        {
            SetDefaults(explicitOptions, item?.ExplicitOptions ?? node.ExplicitOptions);
        }

        OptionsDictionary options = explicitOptions.Clone();
        if (parent is not null)
        {
            CommonOptions.Inherit(parent.Settings, parent.Role, options);
        }

        if (keepsOld)
        {
            SetDefaults(options, node.Options);
        }

        NodeSettings settings = CommonOptions.Read(options.Clone());
        CommonOptions.RefuseSharedWriting(settings);
        if (item is null)
        {
            item = new ReopenItem(node);
            _items.Add(item);
        }

        // One that is reached a second time has been asked for both.
        item.AskedOptions = asked.Clone();
        SetDefaults(item.AskedOptions, askedBefore);
        item.KeepsOld = keepsOld;
        item.Settings = settings;
        AddChildren(node, explicitOptions, options, settings, keepsOld);
        item.ExplicitOptions = explicitOptions;
        item.Options = options;
    }

    // Takes the options of inline children out of their parent's.
    private void AddChildren(BlockNode node, OptionsDictionary explicitOptions, OptionsDictionary options, NodeSettings settings, bool keepsOld)
    {
        foreach (BlockChild edge in node.Children)
        {
            if (!ReferenceEquals(edge.Node.InheritsFrom, node))
            {
                continue;
            }

            bool keepsChild = keepsOld;
            OptionsDictionary asked = [];
            if (options.TryGetValue(edge.Name, out OptionValue? reference))
            {
                if (reference.AsText != edge.Node.Name)
                {
                    // Another node, or none: this one is left alone.
                    continue;
                }

                keepsChild = true;
            }
            else
            {
                asked = explicitOptions.ExtractSubdictionary(edge.Name + ".");
                options.ExtractSubdictionary(edge.Name + ".");

                // A child that is not spoken of stays as it is; one that is gets its defaults like its parent.
                keepsChild |= asked.Count == 0;
            }

            Add(edge.Node, asked, keepsChild, new InheritedFrom(settings, edge.Role));
        }
    }

    private static void SetDefaults(OptionsDictionary options, OptionsDictionary defaults)
    {
        foreach ((string key, OptionValue value) in defaults)
        {
            options.SetDefault(key, value);
        }
    }

    private sealed record InheritedFrom(NodeSettings Settings, ChildRole Role);
}

/// <summary>One node of a <see cref="ReopenQueue"/>.</summary>
internal sealed class ReopenItem(BlockNode node)
{
    public BlockNode Node { get; } = node;

    public bool KeepsOld { get; set; }

    public NodeSettings Settings { get; set; } = new();

    /// <summary>What somebody asks for now.</summary>
    public OptionsDictionary AskedOptions { get; set; } = [];

    public OptionsDictionary ExplicitOptions { get; set; } = [];

    public OptionsDictionary Options { get; set; } = [];

    /// <summary>The state that a driver can prepare for.</summary>
    public ReopenContext CreateContext() => new(Node, Settings, AskedOptions, ExplicitOptions, Options);
}
