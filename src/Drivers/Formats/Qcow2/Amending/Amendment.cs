using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Formats.Qcow2.Snapshots;

namespace BlockGraph.Drivers.Formats.Qcow2.Amending;

/// <summary>Changes properties of an open image. What the header says changes with one write of it; only another length is a step of its own.</summary>
/// <param name="metadata">The image's structures.</param>
/// <param name="options">What is to change; the image can become that.</param>
/// <param name="progress">Is told how far it is, of one.</param>
internal sealed class Amendment(Qcow2Metadata metadata, AmendOptions options, IProgress<double>? progress)
{
    private readonly Qcow2Header _old = metadata.Area.Header;

    /// <summary>Version 3 becomes version 2.</summary>
    public bool IsDowngrade => options.Version < _old.Version;

    /// <summary>The image gets another length before the header says anything else: version 2 has one length for the disk and all its snapshots. Otherwise it comes last.</summary>
    public bool BeginsWithLength => IsDowngrade && metadata.Snapshots.Entries.Count > 0;

    /// <summary>Refuses what version 2 cannot say: other lengths of snapshots, compressed clusters of another method.</summary>
    /// <exception cref="BlockException">There is such a thing, or a table could not be read.</exception>
    public async Task CheckTablesAsync(CancellationToken cancel)
    {
        ulong lengthBytes = (ulong)(options.LengthBytes ?? _old.LengthBytes);
        bool hasOtherCompression = _old.Compression != Qcow2Compression.Zlib;
        if (hasOtherCompression && await HasAsync(metadata.Map.Top.ToArray(), static entry => entry.IsCompressed, cancel))
        {
            throw CannotCompressed();
        }

        foreach (SnapshotEntry snapshot in metadata.Snapshots.Entries)
        {
            if ((snapshot.DiskBytes ?? (ulong)_old.LengthBytes) != lengthBytes || snapshot.VmStateBytes > uint.MaxValue)
            {
                throw new BlockException(BlockErrorKind.NotSupported, "Internal snapshots prevent downgrade of image");
            }

            ulong[] top = await snapshot.ReadTopAsync(metadata, cancel);
            if (hasOtherCompression && await HasAsync(top, static entry => entry.IsCompressed, cancel))
            {
                throw CannotCompressed();
            }
        }
    }

    /// <summary>Clusters of snapshots that read as zeros without having any become clusters of zeros, or none where no backing node shows then. All snapshots change at once.</summary>
    /// <exception cref="BlockException">There is no room, or it could not be written: the snapshots are as they were.</exception>
    public async Task WriteOutSnapshotZeroesAsync(TableProgress tables, CancellationToken cancel)
    {
        SnapshotDraft? draft = null;
        SnapshotEntry[] entries = [.. metadata.Snapshots.Entries];
        long tablesBefore = metadata.Map.Top.Length;
        for (int i = 0; i < entries.Length; i++)
        {
            ulong[] top = await entries[i].ReadTopAsync(metadata, cancel);
            if (await HasAsync(top, static entry => entry.KindOf(0) == SubclusterKind.Zero, cancel))
            {
                draft ??= new SnapshotDraft(metadata);
                entries[i] = await draft.ChangeTopAsync(entries[i], await draft.Mapping.WriteOutZeroesAsync(top, count => tables.Reach(tablesBefore + count), cancel));
            }

            tablesBefore += top.Length;
            tables.Reach(tablesBefore);
        }

        if (draft is not null)
        {
            await draft.ReplaceTopAsync(metadata.Map.Top.ToArray(), cancel);
            await draft.CommitAsync(entries, metadata.Area.Header.LengthBytes, cancel);
        }
    }

    /// <summary>Changes what the header says, and the width of the counts.</summary>
    /// <exception cref="BlockException">It could not be written: the header is as it was.</exception>
    public async Task ChangeHeaderAsync(CancellationToken cancel)
    {
        await metadata.SettleAsync();
        int order = options.RefcountOrder ?? _old.RefcountOrder;
        if (order == _old.RefcountOrder)
        {
            await metadata.SwitchHeaderAsync(options.Change);
            metadata.ChangeAgain();
            return;
        }

        RefcountDraft counts = new(metadata, order);
        await counts.LoadAllAsync(progress, cancel);
        await counts.WriteAsync(cancel);
        await metadata.File.FlushAsync(CancellationToken.None);
        await metadata.SwitchHeaderAsync(area =>
        {
            Qcow2HeaderArea changed = options.Change(area);
            return changed with
            {
                Header = changed.Header with { RefcountOrder = order, RefcountTableOffset = counts.TableOffset, RefcountTableClusters = counts.TableClusters },
            };
        });
        metadata.Geometry.UseRefcountOrder(order);
        await metadata.AdoptAsync(counts, null, metadata.Snapshots, DiscardReason.Other, changesAgain: true);
    }

    private async Task<bool> HasAsync(ulong[] top, Func<L2Entry, bool> isIt, CancellationToken cancel)
    {
        Qcow2Geometry geometry = metadata.Geometry;
        Memory<byte> table = AlignedBuffer.Allocate(geometry.ClusterBytes, metadata.File.Node.Limits.MemoryAlignmentBytes);
        foreach (ulong entry in top)
        {
            cancel.ThrowIfCancellationRequested();
            if ((entry & Qcow2Geometry.OffsetMask) != 0)
            {
                await metadata.File.ReadAsync((long)(entry & Qcow2Geometry.OffsetMask), table, RequestFlags.None, cancel);
                if (HasAny(table.Span, geometry, isIt))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool HasAny(ReadOnlySpan<byte> table, Qcow2Geometry geometry, Func<L2Entry, bool> isIt)
    {
        for (int at = 0; at < table.Length; at += geometry.L2EntryBytes)
        {
            if (isIt(L2Entry.Read(table[at..], geometry)))
            {
                return true;
            }
        }

        return false;
    }

    private static BlockException CannotCompressed() =>
        new(BlockErrorKind.NotSupported, "Cannot downgrade an image with zstd compression type and existing compressed clusters");
}
