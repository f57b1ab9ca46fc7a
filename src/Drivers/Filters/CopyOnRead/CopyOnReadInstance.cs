using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.Drivers.Filters.CopyOnRead;

/// <summary>
/// One copy-on-read node: a read goes to the child with the wish to copy, and the core copies there; so every other user of the child is kept apart from it.
/// Everything else goes to the child as it is.
/// </summary>
internal sealed class CopyOnReadInstance(BlockChild file, BlockNode? bottom) : BlockDriverInstance
{
    private const BlockPermissions PassedOn = BlockPermissions.ConsistentRead | BlockPermissions.Write | BlockPermissions.Resize;

    /// <inheritdoc/>
    public override RequestAffinity Affinity => RequestAffinity.AnyContext;

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => file.Node.Instance.SupportedWriteFlags | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => file.Node.Instance.SupportedZeroFlags | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    protected override long GetLengthBytes() => file.LengthBytes;

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        bottom is null ? file.ReadAsync(offset, buffer, flags | RequestFlags.CopyOnRead, cancel) : ReadAboveAsync(bottom, offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        file.WriteAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        await file.WriteZeroesAsync(offset, length, flags, cancel);
        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await file.DiscardAsync(offset, length, cancel);
        return true;
    }

    /// <summary>A copy out of it would have to be read, for what is read is copied here; one into it is like any write.</summary>
    protected override ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        file.TryCopyToAsync(source, offset, length, flags, cancel);

    /// <summary>
    /// What the users need, and to write what is there already: that nobody minds. An inactive node asks for nothing, for its child could not give it.
    /// </summary>
    protected override PermissionSet GetChildPermissions(ChildPermissionRequest request)
    {
        BlockPermissions copying = request.IsParentInactive ? BlockPermissions.None : BlockPermissions.WriteUnchanged;
        return new PermissionSet((request.Users.Required & PassedOn) | copying, request.Users.Shared | BlockPermissions.WriteUnchanged);
    }

    // Range by range: what lies above the bottom is copied, what lies below it is only read.
    private async ValueTask ReadAboveAsync(BlockNode bottom, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        for (int done = 0; done < buffer.Length;)
        {
            int left = buffer.Length - done;
            (bool copies, long length) = await LiesAboveAsync(bottom, offset + done, left, cancel);

            // Behind the child's end there is nothing to copy.
            int step = length == 0 ? left : (int)length;
            if (copies || (flags & RequestFlags.Prefetch) == 0)
            {
                await file.ReadAsync(offset + done, buffer.Slice(done, step), copies ? flags | RequestFlags.CopyOnRead : flags, cancel);
            }

            done += step;
        }
    }

    // In the child itself, or nowhere down to the bottom: nothing to copy. Where that cannot be known the copying is tried.
    private async ValueTask<(bool Copies, long LengthBytes)> LiesAboveAsync(BlockNode bottom, long offset, long length, CancellationToken cancel)
    {
        try
        {
            BlockStatus own = await file.GetStatusAsync(BlockStatusQuery.Allocation, offset, length, cancel);
            if (own.IsAllocated || own.LengthBytes == 0)
            {
                return (false, own.LengthBytes);
            }

            ChainStatus above = await file.GetStatusAboveAsync(bottom, includesBase: true, BlockStatusQuery.Allocation, offset, own.LengthBytes, cancel);
            return (above.Status.IsAllocated, above.Status.LengthBytes);
        }
        catch (BlockException)
        {
            return (true, length);
        }
    }
}
