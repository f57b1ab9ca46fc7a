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
    private readonly List<Rewriting> _rewritings = [];

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
                if ((edge.Role & ChildRole.Cow) != 0 && draft.AccessOf(parent).IsInactive)
                {
                    throw new BlockException(BlockErrorKind.NotPermitted, $"Node '{parent.Name}' is inactive: the backing file name in its header cannot be changed");
                }

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
            if ((edge.Role & ChildRole.Cow) != 0 && edge.Parent.AsNode is { } overlay && !_rewritings.Exists(r => ReferenceEquals(r.Overlay, overlay)))
            {
                change.Graph.Step("rewrite backing name");

                // Written down first: whatever of it fails, all of it is taken back.
                Rewriting rewriting = new(overlay);
                _rewritings.Add(rewriting);
                change.Keep(overlay);
                await rewriting.RunAsync(change, backingFileName ?? bottom.ShownFileName, bottom.Driver.Name);
                hasWaited = true;
            }
        }

        return hasWaited;
    }

    internal override async Task UndoAsync(GraphChange change)
    {
        for (int i = _rewritings.Count - 1; i >= 0; i--)
        {
            try
            {
                await _rewritings[i].UndoAsync(change);
            }
            catch (Exception error)
            {
                Rewriting rewriting = _rewritings[i];
                change.Graph.Events.Publish(new Events.BlockWarning(
                    $"Node '{rewriting.Overlay.Name}': the change failed, and the header could not get its old backing file name '{rewriting.OldName}' back: {error.Message}"));
            }
        }
    }

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

    /// <summary>Another backing name in the header of one overlay. One that is read-only is writable for as long as it takes.</summary>
    private sealed class Rewriting(BlockNode overlay)
    {
        private readonly string? _oldFormat = overlay.Instance.BackingFormat;
        private readonly bool _wasReadOnly = overlay.IsReadOnly;

        public BlockNode Overlay => overlay;

        public string? OldName { get; } = overlay.Instance.BackingFileName;

        public async Task RunAsync(GraphChange change, string? name, string? format)
        {
            if (overlay.IsInactive)
            {
                // Handed to another process while the change waited: its header is not ours to write any more.
                throw new BlockException(BlockErrorKind.NotPermitted, $"Node '{overlay.Name}' is inactive");
            }

            await SetReadOnlyAsync(change, isReadOnly: false);
            try
            {
                await DriverWork.RunAsync(overlay, instance => instance.ChangeBackingFileAsync(name, format));
            }
            catch (BlockException error)
            {
                throw error.Prefixed($"Could not update backing file link of node '{overlay.Name}': ");
            }

            await SetReadOnlyAsync(change, _wasReadOnly);
        }

        public async Task UndoAsync(GraphChange change)
        {
            try
            {
                if (overlay.Instance.BackingFileName != OldName || overlay.Instance.BackingFormat != _oldFormat)
                {
                    await RunAsync(change, OldName, _oldFormat);
                }
            }
            finally
            {
                await SetReadOnlyAsync(change, _wasReadOnly);
            }
        }

        private Task SetReadOnlyAsync(GraphChange change, bool isReadOnly) => overlay.IsReadOnly == isReadOnly
            ? Task.CompletedTask
            : change.RunWithinAsync(Reopen(overlay, new OptionsDictionary { { "read-only", isReadOnly ? "on" : "off" } }));
    }
}
