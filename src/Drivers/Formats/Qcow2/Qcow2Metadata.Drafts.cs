using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Formats.Qcow2.Snapshots;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>Changes of many structures at once: all of them are written where nothing was, and one write of the header puts them in force.</content>
internal sealed partial class Qcow2Metadata
{
    // The header was to change, and whether a power cut would leave it so is not known.
    private bool _isHeaderUncertain;

    /// <summary>The length that is shown instead of the header's, or null: see <see cref="Show"/>.</summary>
    public long? ShownLengthBytes { get; private set; }

    /// <summary>From now on another top table is read than the active one. The image is never written: its node is read-only, and stays so.</summary>
    public void Show(ulong[] top, long lengthBytes)
    {
        Map.ReplaceTop(top);
        ShownLengthBytes = lengthBytes;
    }

    /// <summary>Changes the header; what it leads to is durable. It holds, durably, or the old one does.</summary>
    /// <exception cref="BlockException">It could not be written. Nothing else is, until it is certain that the old one holds.</exception>
    public async ValueTask SwitchHeaderAsync(Func<Qcow2HeaderArea, Qcow2HeaderArea> change)
    {
        (Qcow2HeaderArea old, byte[] oldCluster) = (Area, _headerCluster);
        try
        {
            await ChangeAreaAsync(change);
            await File.FlushAsync(CancellationToken.None);
        }
        catch (BlockException)
        {
            (Area, _headerCluster) = (old, oldCluster);
            _isHeaderUncertain = true;
            await TryConfirmHeaderAsync();
            throw;
        }
    }

    /// <summary>A draft is in force: what was read of the old structures is forgotten, what only they used is free.</summary>
    /// <param name="counts">The reference counts.</param>
    /// <param name="top">The active L1 table.</param>
    /// <param name="snapshots">The snapshots.</param>
    /// <param name="reason">Why clusters were freed.</param>
    public async ValueTask AdoptAsync(RefcountDraft counts, ulong[] top, SnapshotTable snapshots, DiscardReason reason)
    {
        Snapshots = snapshots;
        Refcounts.Cache.Clear();
        Map.Cache.Clear();
        Refcounts.Replace(counts.Blocks());
        Map.ReplaceTop(top);
        long hint = Allocator.Hint;
        List<(long HostOffset, long LengthBytes)> freed = [.. counts.Freed()];
        Allocator.Restart(freed.Count == 0 ? hint : Math.Min(hint, freed.Min(static range => range.HostOffset) >> Geometry.ClusterBits));
        Places.Forget((MetadataKind)~0);
        await AddPlacesAsync();
        if (Options.PassesDiscard(reason, Node))
        {
            await DiscardAsync(freed);
        }
    }

    /// <summary>The header says that the image is clean, and may say other things of how it is to be changed than before: the next change begins anew.</summary>
    public void ChangeAgain() => _hasBegun = false;

    // Nobody has it, and nobody can take it meanwhile.
    private async ValueTask DiscardAsync(List<(long HostOffset, long LengthBytes)> freed)
    {
        foreach ((long hostOffset, long lengthBytes) in freed)
        {
            try
            {
                await File.DiscardAsync(hostOffset, lengthBytes, CancellationToken.None);
            }
            catch (BlockException error)
            {
                Node.Graph.Events.Publish(new BlockWarning($"Node '{Node.Name}': {lengthBytes} bytes at 0x{hostOffset:x} could not be discarded: {error.Message}"));
            }
        }
    }

    private async ValueTask ConfirmHeaderAsync()
    {
        await File.WriteAsync(0, _headerCluster, RequestFlags.None, CancellationToken.None);
        await File.FlushAsync(CancellationToken.None);
        _isHeaderUncertain = false;
    }

    private async ValueTask TryConfirmHeaderAsync()
    {
        try
        {
            await ConfirmHeaderAsync();
        }
        catch (BlockException error)
        {
            Node.Graph.Events.Publish(new BlockWarning($"Node '{Node.Name}': the header of the image could not be written back: {error.Message}"));
        }
    }
}
