using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.Drivers.Formats.Qcow2.Snapshots;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>Changes of many structures at once: all of them are written where nothing was, and one write of the header puts them in force.</content>
internal sealed partial class Qcow2Metadata
{
    /// <summary>The length that is shown instead of the header's, or null: see <see cref="Show"/>.</summary>
    public long? ShownLengthBytes { get; private set; }

    /// <summary>From now on another top table is read than the active one. The image is never written: its node is read-only, and stays so.</summary>
    public void Show(ulong[] top, long lengthBytes)
    {
        Map.ReplaceTop(top);
        ShownLengthBytes = lengthBytes;
    }

    /// <summary>A draft is in force: what was read of the old structures is forgotten, what only they used is free.</summary>
    /// <param name="counts">The reference counts.</param>
    /// <param name="top">The active L1 table; null where it stays.</param>
    /// <param name="snapshots">The snapshots.</param>
    /// <param name="reason">Why clusters were freed.</param>
    /// <param name="changesAgain">The next change begins anew: see <see cref="ChangeAgain"/>.</param>
    public async ValueTask AdoptAsync(RefcountDraft counts, ulong[]? top, SnapshotTable snapshots, DiscardReason reason, bool changesAgain = false)
    {
        Snapshots = snapshots;
        Refcounts.Cache.Clear();
        Map.Cache.Clear();
        Refcounts.Replace(counts.Blocks);
        if (top is not null)
        {
            Map.ReplaceTop(top);
        }

        long hint = Allocator.Hint;
        (long firstFreed, long firstFreedBytes) = counts.Freed().FirstOrDefault();
        Allocator.Restart(firstFreedBytes == 0 ? hint : Math.Min(hint, firstFreed >> Geometry.ClusterBits));
        if (changesAgain)
        {
            ChangeAgain();
        }
        else
        {
            await RefreshPlacesAsync();
        }

        if (Options.PassesDiscard(reason, Node))
        {
            await DiscardAsync(counts.Freed());
        }
    }

    /// <summary>The header says that the image is clean, and may say other things of how it is to be changed than before: the next change begins anew.</summary>
    public void ChangeAgain()
    {
        _hasBegun = false;
        Places.Clear();
    }

    // What is in force stays so: where a snapshot's table cannot be read the next change begins by trying again.
    private async ValueTask RefreshPlacesAsync()
    {
        Places.Clear();
        try
        {
            await AddPlacesAsync();
        }
        catch (BlockException error)
        {
            _hasBegun = false;
            Node.Graph.Events.Publish(new BlockWarning($"Node '{Node.Name}': not all of the image's structures are known yet: {error.Message}"));
        }
    }

    /// <summary>Tells the file that nobody has these ranges, nor can take them meanwhile. It is advice: what fails is warned of.</summary>
    public async ValueTask DiscardAsync(IEnumerable<(long HostOffset, long LengthBytes)> freed)
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
}
