using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// A part of a chain goes: who used its top uses its bottom, and the headers of its overlays say so. The headers are written first, while
/// everything is quiet; where the change then fails they get their old words back.
/// </summary>
internal sealed class DropIntermediateEdit(BlockNode top, BlockNode bottom, string? backingFileName) : GraphEdit
{
    private readonly List<(BlockNode Overlay, string? OldName, string? OldFormat)> _rewritten = [];

    /// <inheritdoc/>
    public override string Description => $"drop '{top.Name}' down to '{bottom.Name}' from the chain";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(top);
        change.Keep(bottom);
        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft)
    {
        ThrowIfNotBelow(draft);
        foreach (BlockChild edge in ReplaceEdit.Replace(draft, top, bottom, isStrict: true))
        {
            if (edge.Parent.AsNode is { } parent)
            {
                SetChildEdit.DropInheritance(draft, parent, edge, top);
            }
        }

        if (Inherits(draft))
        {
            // What inherited over the nodes that go inherits from where they inherited.
            draft.SetInheritsFrom(bottom, draft.InheritsFrom(top) ?? top.InheritsFrom);
        }
    }

    internal override async Task<bool> PrepareQuietAsync(GraphChange change)
    {
        bool hasWaited = false;
        foreach (BlockChild edge in top.Parents)
        {
            if ((edge.Role & ChildRole.Cow) != 0 && edge.Parent.AsNode is { } overlay && !_rewritten.Exists(r => ReferenceEquals(r.Overlay, overlay)))
            {
                change.Graph.Step("rewrite backing name");
                (string? oldName, string? oldFormat) = (overlay.Instance.BackingFileName, overlay.Instance.BackingFormat);
                await RewriteAsync(change.Graph, overlay, backingFileName ?? bottom.ShownFileName, bottom.Driver.Name);
                _rewritten.Add((overlay, oldName, oldFormat));
                change.Keep(overlay);
                hasWaited = true;
            }
        }

        return hasWaited;
    }

    internal override async Task UndoAsync(GraphChange change)
    {
        for (int i = _rewritten.Count - 1; i >= 0; i--)
        {
            (BlockNode overlay, string? oldName, string? oldFormat) = _rewritten[i];
            try
            {
                await RewriteAsync(change.Graph, overlay, oldName, oldFormat);
            }
            catch (BlockException error)
            {
                change.Graph.Events.Publish(new Events.BlockWarning(
                    $"Node '{overlay.Name}': the change failed, and the header could not get its old backing file name '{oldName}' back: {error.Message}"));
            }
        }
    }

    // A read-only overlay is made writable for as long as it takes.
    private static async Task RewriteAsync(NodeGraph graph, BlockNode overlay, string? name, string? format)
    {
        bool wasReadOnly = overlay.IsReadOnly;
        if (wasReadOnly)
        {
            await SetReadOnlyAsync(graph, overlay, "off");
        }

        overlay.Work.Begin();
        try
        {
            await overlay.Instance.ChangeBackingFileAsync(name, format);
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"Could not update backing file link of node '{overlay.Name}': ");
        }
        finally
        {
            overlay.Work.End();
            if (wasReadOnly)
            {
                await SetReadOnlyAsync(graph, overlay, "on");
            }
        }
    }

    private static Task SetReadOnlyAsync(NodeGraph graph, BlockNode node, string value) =>
        GraphChange.RunAsync(graph, [Reopen(node, new OptionsDictionary { { "read-only", value } })], CancellationToken.None);

    private void ThrowIfNotBelow(GraphDraft draft)
    {
        BlockNode? at = top;
        while (at is not null && !ReferenceEquals(at, bottom))
        {
            at = draft.ChildOf(at, ChildRole.Filtered | ChildRole.Cow) is { } link ? draft.NodeOf(link) : null;
        }

        if (at is null || ReferenceEquals(top, bottom))
        {
            throw new BlockException(BlockErrorKind.NotFound, $"Node '{bottom.Name}' is not below '{top.Name}' in its chain");
        }
    }

    private bool Inherits(GraphDraft draft)
    {
        for (BlockNode? at = draft.InheritsFrom(bottom); at is not null; at = draft.InheritsFrom(at))
        {
            if (ReferenceEquals(at, top))
            {
                return true;
            }
        }

        return false;
    }
}
