using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// One change of a graph, as a value: hand it, alone or with others, to <see cref="NodeGraph.ApplyAsync(IReadOnlyList{GraphEdit}, CancellationToken)"/>, or to
/// <see cref="NodeGraph.PlanAsync"/> to hear what it would do. Edits of one call happen together or not at all. An edit is used once.
/// </summary>
public abstract class GraphEdit
{
    private protected GraphEdit()
    {
    }

    /// <summary>What it does, for a person, in a few words.</summary>
    public abstract string Description { get; }

    /// <summary>Makes <paramref name="child"/> a child of a node whose driver can do with it.</summary>
    public static GraphEdit Attach(BlockNode parent, BlockNode child, string name, ChildRole role) => new AttachEdit(parent, child, name, role);

    /// <summary>Takes an edge away; a child that nobody else uses is closed.</summary>
    public static GraphEdit Detach(BlockChild edge) => new DetachEdit(edge);

    /// <summary>Gives <paramref name="overlay"/> another backing node, or none.</summary>
    public static GraphEdit SetBacking(BlockNode overlay, BlockNode? backing) => new SetChildEdit(overlay, "backing", backing);

    /// <summary>Puts <paramref name="to"/> in the place of <paramref name="from"/>: whoever uses the one uses the other afterwards.</summary>
    /// <param name="from">The node that loses its users.</param>
    /// <param name="to">The node that gets them.</param>
    /// <param name="isStrict">True to refuse where a user must stay; otherwise jobs, and edges that would close a cycle, stay where they are.</param>
    public static GraphEdit Replace(BlockNode from, BlockNode to, bool isStrict = false) => new ReplaceEdit(from, to, isStrict);

    /// <summary>Opens a node over <paramref name="under"/>, which gets all its users: a filter, or an overlay whose data begins where the other's ends.</summary>
    /// <param name="top">The options of the new node, without the child that <paramref name="under"/> becomes.</param>
    /// <param name="under">The node that gets a node on top.</param>
    public static GraphEdit Append(OptionsDictionary top, BlockNode under) => new AppendEdit(top, under);

    /// <summary>Puts a node that is open already over <paramref name="under"/>, as its overlay. <i>QEMU: blockdev-snapshot.</i></summary>
    public static GraphEdit Overlay(BlockNode overlay, BlockNode under) => new OverlayEdit(overlay, under);

    /// <summary>Takes a filter out: its users use its child.</summary>
    public static GraphEdit DropFilter(BlockNode filter) => new DropFilterEdit(filter);

    /// <summary>Takes everything from <paramref name="top"/> down to, and without, <paramref name="bottom"/> out of the chain.</summary>
    /// <param name="top">The highest node that goes.</param>
    /// <param name="bottom">The node that its users use afterwards.</param>
    /// <param name="backingFileName">What their headers say then; the name of <paramref name="bottom"/> where null.</param>
    public static GraphEdit DropIntermediate(BlockNode top, BlockNode bottom, string? backingFileName = null) => new DropIntermediateEdit(top, bottom, backingFileName);

    /// <summary>Adds a child to a node that can have any number. <i>QEMU: x-blockdev-change node.</i></summary>
    public static GraphEdit AddChild(BlockNode parent, BlockNode child) => new AddChildEdit(parent, child);

    /// <summary>Removes a child that was added. <i>QEMU: x-blockdev-change child.</i></summary>
    public static GraphEdit RemoveChild(BlockNode parent, string childName) => new RemoveChildEdit(parent, childName);

    /// <summary>Keeps the links from <paramref name="top"/> down to <paramref name="bottom"/> as they are, until they are thawed.</summary>
    public static GraphEdit Freeze(BlockNode top, BlockNode bottom) => new FreezeEdit(top, bottom, isFrozen: true);

    /// <summary>Undoes <see cref="Freeze"/>.</summary>
    public static GraphEdit Thaw(BlockNode top, BlockNode bottom) => new FreezeEdit(top, bottom, isFrozen: false);

    /// <summary>Adds a child, or takes one away: <see cref="AddChild"/> and <see cref="RemoveChild"/> as one command. <i>QEMU: x-blockdev-change.</i></summary>
    /// <param name="parent">The node whose children change.</param>
    /// <param name="childName">The child to take away; null to add one.</param>
    /// <param name="node">The node to add; null to take one away.</param>
    /// <exception cref="BlockException">Both are given, or neither.</exception>
    public static GraphEdit ChangeChildren(BlockNode parent, string? childName, BlockNode? node) => (childName, node) switch
    {
        (not null, not null) => throw new BlockException("The parameters child and node are in conflict"),
        (not null, null) => RemoveChild(parent, childName),
        (null, not null) => AddChild(parent, node),
        _ => throw new BlockException("Either child or node must be specified"),
    };

    /// <summary>Lets a root parent, such as a backend, ask for other permissions.</summary>
    public static GraphEdit SetPermissions(BlockChild rootEdge, PermissionSet permissions) => new PermissionEdit(rootEdge, permissions);

    /// <summary>Moves a node, and everything connected with it, to another context. <i>QEMU: x-blockdev-set-iothread.</i></summary>
    /// <param name="node">Any node of the component.</param>
    /// <param name="context">Its home to be.</param>
    /// <param name="isForced">True to move a node that a backend uses.</param>
    public static GraphEdit Move(BlockNode node, AioContext context, bool isForced = false) => new MoveEdit(node, context, isForced);

    /// <summary>Gives nodes other options. <i>QEMU: blockdev-reopen.</i></summary>
    /// <param name="options">Of each node: its name and all its options; what is absent gets its default.</param>
    public static GraphEdit Reopen(params IReadOnlyList<OptionsDictionary> options) => new ReopenEdit([.. options.Select(o => new ReopenRequest(o))]);

    /// <summary>Gives one node other options.</summary>
    /// <param name="node">The node.</param>
    /// <param name="changes">What is to be another.</param>
    /// <param name="keepsOld">True to keep what is absent from <paramref name="changes"/>, false to give it its default.</param>
    public static GraphEdit Reopen(BlockNode node, OptionsDictionary changes, bool keepsOld = true) => new ReopenEdit([new ReopenRequest(changes, node, keepsOld)]);

    /// <summary>Gives a node out of hand, so that another process may have its image: nobody writes, no lock is held. <i>QEMU: bdrv_inactivate().</i></summary>
    public static GraphEdit Deactivate(BlockNode node) => new DeactivateEdit(node);

    /// <summary>Takes a node back into hand: locks are taken, metadata is read anew. <i>QEMU: bdrv_activate().</i></summary>
    public static GraphEdit Activate(BlockNode node) => new ActivateEdit(node);

    /// <summary>Asks the driver of <paramref name="node"/> again what it needs of its children: for a driver whose needs change by themselves.</summary>
    public static GraphEdit Reconsider(BlockNode node) => new ReconsiderEdit(node);

    /// <summary>Takes what the edit needs and cannot have at once: opens nodes, looks names up. Main context.</summary>
    internal virtual Task PrepareAsync(GraphChange change) => Task.CompletedTask;

    /// <summary>Makes the change in a draft, or says why not. Called as often as the graph has changed meanwhile; pure. Main context.</summary>
    internal abstract void Apply(GraphDraft draft);

    /// <summary>Does what is left to do before the change is committed, while everything is quiet; true where it did anything, after which the draft is made anew. Main context.</summary>
    internal virtual Task<bool> PrepareQuietAsync(GraphChange change) => Task.FromResult(false);

    /// <summary>The change is committed. It cannot fail. Main context.</summary>
    internal virtual void OnCommitted(GraphChange change)
    {
    }

    /// <summary>Does what can only be done afterwards, while everything is still quiet; where it throws, the edit has taken itself back. Main context.</summary>
    internal virtual Task FinishAsync(GraphChange change) => Task.CompletedTask;

    /// <summary>The change has failed: takes back what <see cref="PrepareQuietAsync"/> did. Main context.</summary>
    internal virtual Task UndoAsync(GraphChange change) => Task.CompletedTask;
}
