using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What a driver has at hand while it opens an image: its options, its children, the node's settings.</summary>
public sealed class OpenContext
{
    private readonly NodeOpener _opener;
    private readonly ChildOptions _children;

    internal OpenContext(NodeOpener opener, BlockNode node, OptionReader options, ChildOptions children)
    {
        _opener = opener;
        _children = children;
        Node = node;
        Options = options;
    }

    /// <summary>The node being opened. Its instance is not there yet.</summary>
    public BlockNode Node { get; }

    /// <summary>The graph that the node will belong to.</summary>
    public NodeGraph Graph => Node.Graph;

    /// <summary>The context that opening runs on: what blocks goes to its workers. The node's requests may come to run on another.</summary>
    public AioContext Context => Graph.MainContext;

    /// <summary>The driver's own options. Those that the driver leaves unread are refused before it is asked to open.</summary>
    public OptionReader Options { get; }

    /// <summary>The generic options: cache, discard, read-only and their like.</summary>
    public NodeSettings Settings => Node.Settings;

    /// <summary>The operation that this is a part of: what has the same one takes effect together, or not at all.</summary>
    public object Operation => _opener.Operation;

    /// <summary>Which semantics are wanted.</summary>
    public CompatibilityProfile Profile => Graph.Profile;

    /// <summary>True where the image is opened to be checked, and maybe mended: what is wrong with it does not keep it from being opened, if a check can tell of it.</summary>
    public bool IsForCheck { get; internal init; }

    /// <summary>True where the format was guessed from the image's contents.</summary>
    public bool IsProbed => Node.IsProbed;

    /// <summary>Nobody will read or write what the image holds: what only that needs, such as a passphrase, may be left out.</summary>
    public bool IsForInformation => _opener.IsForInformation;

    /// <summary>Opens, or finds, the child under option <paramref name="name"/> and attaches it.</summary>
    /// <exception cref="BlockException">No child is named, or it cannot be opened or used.</exception>
    public async Task<BlockChild> OpenChildAsync(string name, ChildRole role) =>
        await OpenOptionalChildAsync(name, role) ?? throw new BlockException($"A block device must be specified for \"{name}\"");

    /// <summary>Like <see cref="OpenChildAsync"/>; null where the options name no child.</summary>
    public Task<BlockChild?> OpenOptionalChildAsync(string name, ChildRole role) => _opener.OpenChildAsync(Node, name, role, _children);

    /// <summary>Opens the backing child, as the options say or, where they are silent, the image's own header; null where there is none.</summary>
    /// <param name="headerName">The name in the header, or null. A relative one lies beside the image itself.</param>
    /// <param name="headerFormat">The format in the header, or null to probe.</param>
    /// <exception cref="BlockException">It cannot be opened or used; the text begins with "Could not open backing file: ".</exception>
    public Task<BlockChild?> OpenBackingAsync(string? headerName = null, string? headerFormat = null) =>
        _opener.OpenBackingAsync(Node, _children, headerName, headerFormat);

    /// <summary>Opens a child that holds data of the image, as the options say or, where they are silent, the file that the image itself names; null where neither does.</summary>
    /// <param name="name">The option, and the edge.</param>
    /// <param name="role">What the child is to the image.</param>
    /// <param name="headerName">The name in the image, or null: a plain file's, whatever it looks like.</param>
    /// <exception cref="BlockException">It cannot be opened or used.</exception>
    public Task<BlockChild?> OpenNamedChildAsync(string name, ChildRole role, string? headerName) => _opener.OpenNamedAsync(Node, name, role, _children, headerName);

    /// <summary>How many children the list <paramref name="name"/> names.</summary>
    public int CountChildren(string name) => _children.ListLength(name);

    /// <summary>Opens, or finds, the children in the list <paramref name="name"/> and attaches them, as <c>NAME.0</c>, <c>NAME.1</c>, …</summary>
    /// <exception cref="BlockException">One cannot be opened or used.</exception>
    public async Task<IReadOnlyList<BlockChild>> OpenChildListAsync(string name, ChildRole role)
    {
        List<BlockChild> children = [];
        for (int i = 0; i < CountChildren(name); i++)
        {
            children.Add(await OpenChildAsync($"{name}.{i}", role));
        }

        return children;
    }

    /// <summary>
    /// Keeps the links from the node that is being opened, whose child is attached, down to <paramref name="bottom"/> as they are, until the node is closed or
    /// dropped. Once.
    /// </summary>
    /// <exception cref="BlockException">It is not in the chain, or somebody else keeps one of the links.</exception>
    public async Task FreezeChainAsync(BlockNode bottom)
    {
        Invariant.Check(Node.FrozenDownTo is null);
        await GraphChange.RunAsync(Graph, [GraphEdit.Freeze(Node, bottom)], CancellationToken.None);
        Node.FrozenDownTo = bottom;
    }

    /// <summary>The image cannot be written: goes on read-only where the options allow that.</summary>
    /// <exception cref="BlockException">They do not: <paramref name="reason"/>, or "Image is read-only".</exception>
    public void FallBackToReadOnly(string? reason = null)
    {
        if (Node.IsReadOnly)
        {
            return;
        }

        if (!Settings.AutoReadOnly)
        {
            throw new BlockException(BlockErrorKind.AccessDenied, reason ?? "Image is read-only");
        }

        Node.IsReadOnly = true;
    }

    /// <summary>Marks a point at which opening may fail, for tests that fail each.</summary>
    public void Step(string name) => Graph.Step(name);
}
