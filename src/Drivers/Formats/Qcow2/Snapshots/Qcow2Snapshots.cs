using System.Globalization;
using System.Text;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2.Snapshots;

/// <summary>The snapshots inside an image. Each change is made elsewhere in the file, as a whole, and put in force by one write of the header: it is there or it is not.</summary>
internal sealed class Qcow2Snapshots(Qcow2Metadata metadata) : IImageSnapshots
{
    private readonly Qcow2Geometry _geometry = metadata.Geometry;

    /// <inheritdoc/>
    public IReadOnlyList<ImageSnapshot> All => [.. metadata.Snapshots.Entries.Select(static entry => entry.ToImageSnapshot())];

    /// <summary>Makes one: it gets the tables that are active now, and the active image gets others that say that nothing is its own any more.</summary>
    /// <inheritdoc/>
    public async Task CreateAsync(ImageSnapshot snapshot, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        SnapshotEntry entry = CreateEntry(snapshot);
        SnapshotDraft draft = await BeginAsync();

        // The state of a machine is the snapshot's alone from now on.
        ulong[] top = metadata.Map.Top.ToArray();
        Array.Clear(top, VmStateIndex, top.Length - VmStateIndex);
        await draft.Mapping.CountAsync(top, 1, cancel);
        await draft.KeepTopAsync(top, cancel);
        await draft.CommitAsync([.. metadata.Snapshots.Entries, entry], LengthBytes, cancel);
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(ImageSnapshot snapshot, CancellationToken cancel)
    {
        ThrowIfBitmaps();
        ThrowIfDataFile();
        SnapshotEntry entry = metadata.Snapshots.Entries[Find(snapshot)];
        (ulong[] top, long lengthBytes) = await ReadAsync(entry, cancel);
        SnapshotDraft draft = await BeginAsync();
        await ThrowUnlessKeptAsync(draft, entry);
        await draft.Mapping.CountAsync(metadata.Map.TopMemory, -1, cancel);
        await draft.Mapping.CountAsync(top, 1, cancel);
        await draft.ReplaceTopAsync(top, cancel);
        await draft.CommitAsync(metadata.Snapshots.Entries, lengthBytes, cancel);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(ImageSnapshot snapshot, CancellationToken cancel)
    {
        int index = Find(snapshot);
        SnapshotEntry entry = metadata.Snapshots.Entries[index];
        ulong[] top = await entry.ReadTopAsync(metadata, cancel);
        SnapshotDraft draft = await BeginAsync();
        await draft.Mapping.CountAsync(top, -1, cancel);
        await draft.Counts.ChangeAsync((long)entry.L1Offset, _geometry.RoundUp(entry.L1EntryCount * (long)sizeof(ulong)), -1);
        await draft.ReplaceTopAsync(metadata.Map.Top.ToArray(), cancel);
        await draft.CommitAsync([.. metadata.Snapshots.Entries.Take(index), .. metadata.Snapshots.Entries.Skip(index + 1)], LengthBytes, cancel);
    }

    /// <inheritdoc/>
    public async Task ShowAsync(ImageSnapshot snapshot, CancellationToken cancel)
    {
        SnapshotEntry entry = metadata.Snapshots.Entries[Find(snapshot)];
        if (!metadata.Node.IsReadOnly)
        {
            throw new BlockException(BlockErrorKind.InvalidArgument, "Device is not readonly");
        }

        (ulong[] top, long lengthBytes) = await ReadAsync(entry, cancel);
        metadata.Show(top, lengthBytes);
    }

    /// <summary>How many entries of the table do not say all that version 3 wants of them.</summary>
    public int IncompleteCount => metadata.Area.Header.Version < 3 ? 0 : metadata.Snapshots.Entries.Count(static entry => entry.DiskBytes is null);

    /// <summary>Writes the table anew, elsewhere, with entries that say all: their disks were as long as the disk is now.</summary>
    public async Task CompleteAsync(CancellationToken cancel)
    {
        SnapshotDraft draft = await BeginAsync();
        await draft.ReplaceTopAsync(metadata.Map.Top.ToArray(), cancel);
        await draft.CommitAsync([.. metadata.Snapshots.Entries], LengthBytes, cancel);
    }

    private long LengthBytes => metadata.Area.Header.LengthBytes;

    // Behind the entries of the disk come those of the machine's state.
    private int VmStateIndex => (int)Math.Min(metadata.Map.Top.Length, _geometry.L1EntryCount(LengthBytes));

    // Everything is in the file, so that the file's counts are right.
    private async Task<SnapshotDraft> BeginAsync()
    {
        ThrowIfDataFile();
        await metadata.BeginChangeAsync();
        await metadata.SettleAsync();
        return new SnapshotDraft(metadata);
    }

    private SnapshotEntry CreateEntry(ImageSnapshot snapshot)
    {
        if (Encoding.UTF8.GetByteCount(snapshot.Id) > ushort.MaxValue || Encoding.UTF8.GetByteCount(snapshot.Name) > ushort.MaxValue)
        {
            throw new BlockException($"A snapshot's name is at most {ushort.MaxValue} bytes long");
        }

        if (metadata.Snapshots.Entries.Count >= SnapshotTable.CountMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, $"An image has at most {SnapshotTable.CountMax} snapshots");
        }

        if (snapshot.Id.Length > 0 && metadata.Snapshots.Entries.Any(entry => entry.Id == snapshot.Id))
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"There is a snapshot with the id '{snapshot.Id}' already");
        }

        return new SnapshotEntry
        {
            Id = snapshot.Id.Length > 0 ? snapshot.Id : NextId(),
            Name = snapshot.Name,
            L1Offset = metadata.Map.Top.Length == 0 ? 0 : (ulong)metadata.Area.Header.L1Offset,
            L1EntryCount = (uint)metadata.Map.Top.Length,
            DateSeconds = (uint)Math.Clamp(snapshot.Date.ToUnixTimeSeconds(), 0, uint.MaxValue),
            DateNs = (uint)(snapshot.Date.UtcTicks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick),
            VmClockNs = (ulong)snapshot.VmClockNs,
            VmStateBytes = (ulong)snapshot.VmStateBytes,
            DiskBytes = (ulong)LengthBytes,
            InstructionCount = (ulong?)snapshot.InstructionCount,
        };
    }

    // One more than the largest number among them.
    private string NextId()
    {
        ulong largest = 0;
        foreach (SnapshotEntry entry in metadata.Snapshots.Entries)
        {
            string digits = string.Concat(entry.Id.TakeWhile(char.IsAsciiDigit));
            largest = ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id) && id < ulong.MaxValue ? Math.Max(largest, id) : largest;
        }

        return (largest + 1).ToString(CultureInfo.InvariantCulture);
    }

    private int Find(ImageSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        for (int i = 0; i < metadata.Snapshots.Entries.Count; i++)
        {
            if (metadata.Snapshots.Entries[i].Id == snapshot.Id && metadata.Snapshots.Entries[i].Name == snapshot.Name)
            {
                return i;
            }
        }

        throw new BlockException(BlockErrorKind.NotFound, "Can't find snapshot");
    }

    // A table for the disk as it was then, which may have been longer than the entry's table reaches.
    private async Task<(ulong[] Top, long LengthBytes)> ReadAsync(SnapshotEntry entry, CancellationToken cancel)
    {
        ulong[] top = await entry.ReadTopAsync(metadata, cancel);
        ulong lengthBytes = entry.DiskBytes ?? (ulong)LengthBytes;
        if (lengthBytes > long.MaxValue || _geometry.L1EntryCount((long)lengthBytes) > Qcow2Geometry.L1BytesMax / sizeof(ulong))
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"Snapshot disk size too large: {lengthBytes}");
        }

        if (top.Length < _geometry.L1EntryCount((long)lengthBytes))
        {
            Array.Resize(ref top, (int)_geometry.L1EntryCount((long)lengthBytes));
        }

        return (top, (long)lengthBytes);
    }

    // What lies where nothing is counted was never the snapshot's, or is not any more: the image would lose what it has for nothing.
    private async Task ThrowUnlessKeptAsync(SnapshotDraft draft, SnapshotEntry entry)
    {
        long start = (long)entry.L1Offset;
        long end = start + (entry.L1EntryCount * (long)sizeof(ulong));
        if (end > start && start == metadata.Area.Header.L1Offset)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"The active L1 table at 0x{start:x} is a snapshot's too; check the image");
        }

        for (long at = start; at < end; at += _geometry.ClusterBytes)
        {
            if (await draft.Counts.GetAsync(at >> _geometry.ClusterBits) == 0)
            {
                throw new BlockException(BlockErrorKind.CorruptImage, $"The snapshot's L1 table at 0x{start:x} lies where nothing is used; check the image");
            }
        }
    }

    private void ThrowIfDataFile()
    {
        if (_geometry.HasDataFile)
        {
            throw new BlockException(BlockErrorKind.NotSupported, "An image with an external data file has no snapshots");
        }
    }

    private void ThrowIfBitmaps()
    {
        if (metadata.Node.Bitmaps.All.Count > 0)
        {
            throw new BlockException(BlockErrorKind.Busy, "Device has active dirty bitmaps");
        }
    }
}
