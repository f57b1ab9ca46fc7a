using BlockGraph.Drivers.Formats.Qcow2.Snapshots;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>Makes a snapshot table of what can be read of one that is too long, or has entries that are. It is written elsewhere, and put in force by one write of the header.</summary>
internal sealed class SnapshotTableMend(Qcow2Metadata metadata, CheckReport report)
{
    /// <summary>Mends it, unless nothing at all is known of where it lies.</summary>
    /// <exception cref="BlockCore.Errors.BlockException">It could not be read or written: the image is as it was.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        if (await SnapshotTable.SalvageAsync(metadata.File, metadata.Area.Header, report.Mend, cancel) is not { } entries)
        {
            return;
        }

        // What the old table took is not known: it leaks, and the check that follows frees it.
        SnapshotDraft draft = new(metadata);
        draft.KeepTopAsIs();
        await metadata.BeginChangeAsync();
        await metadata.SettleAsync();
        await draft.CommitAsync(entries, metadata.Area.Header.LengthBytes, cancel);
        await metadata.ReloadAsync(CancellationToken.None);
    }
}
