using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>A node that is open becomes another's overlay, and gets its users: a snapshot.</summary>
internal sealed class OverlayEdit(BlockNode overlay, BlockNode under) : GraphEdit
{
    private bool _isFlushed;

    /// <inheritdoc/>
    public override string Description => $"put node '{overlay.Name}' over '{under.Name}' as its overlay";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(overlay);
        change.Keep(under);
        return Task.CompletedTask;
    }

    // What was written before is below the overlay for good: it is made durable first.
    internal override async Task<bool> PrepareQuietAsync(GraphChange change)
    {
        if (_isFlushed)
        {
            return false;
        }

        BlockException? error = null;
        await DriverWork.RunAsync(under, async _ => error = await change.Graph.TryFlushAsync(under));
        if (error is not null)
        {
            throw error.Prefixed("Error flushing drive: ");
        }

        return _isFlushed = true;
    }

    internal override void Apply(GraphDraft draft)
    {
        under.ThrowIfBlocked(BlockOperation.ExternalSnapshot);
        foreach (BlockChild edge in draft.ParentsOf(overlay))
        {
            if ((draft.PermissionsOf(edge).Required & BlockPermissions.ConsistentRead) != 0)
            {
                throw new BlockException(BlockErrorKind.Busy, "The overlay is already in use");
            }
        }

        if (BackingChain.IsFilter(overlay))
        {
            throw new BlockException("Filters cannot be used as overlays");
        }

        if (draft.ChildOf(overlay, ChildRole.Cow) is not null)
        {
            throw new BlockException(BlockErrorKind.Busy, "The overlay already has a backing image");
        }

        if (!overlay.Driver.SupportsBacking)
        {
            throw new BlockException(BlockErrorKind.NotSupported, "The overlay does not support backing images");
        }

        draft.WantQuiet(under);
        draft.Attach(overlay, under, "backing", ChildRole.Cow);
        ReplaceEdit.Replace(draft, under, overlay, isStrict: false);
    }
}
