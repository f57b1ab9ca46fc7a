using System.Text;
using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Bitmaps;

/// <summary>The dirty bitmaps that an image keeps: read when it is opened, marked in use before it is written, written when it is closed.</summary>
/// <remarks>
/// Invariant, of what is durable in the file at any moment: a bitmap that is not in use has every write that it followed. Hence the mark goes first, and is taken off only
/// together with bits that are as new as the data: whatever fails in between, the bitmap is in use, and whoever opens the image next knows that it may lack something.
/// </remarks>
internal sealed class Qcow2Bitmaps(Qcow2Metadata metadata) : IImageBitmaps
{
    private const int SmallGranularityBytes = 4 << 10;
    private const int LargeGranularityBytes = 64 << 10;

    // All bitmaps of an image together take at most 1 GiB of memory: a small file can say that it has very many large ones.
    private const long BitCountMax = 8L << 30;

    private readonly Qcow2Geometry _geometry = metadata.Geometry;

    /// <inheritdoc/>
    public long DefaultGranularityBytes => Math.Clamp(_geometry.ClusterBytes, SmallGranularityBytes, LargeGranularityBytes);

    /// <inheritdoc/>
    public bool CanKeep => metadata.Area.Header.Version >= 3;

    /// <summary>The image has bitmaps, or is to have some when it is closed.</summary>
    public bool HasAny => metadata.Bitmaps.Entries.Count > 0 || Persistent.Any();

    private IEnumerable<DirtyBitmap> Persistent => metadata.Node.Bitmaps.Named.Where(static bitmap => bitmap.IsPersistent);

    /// <summary>Gives the node the bitmaps of the image. One that was in use, or leads beyond the end of the file, is inconsistent.</summary>
    /// <exception cref="BlockException">One could not be read.</exception>
    public async Task LoadAsync(CancellationToken cancel)
    {
        if (!metadata.Area.BitmapsExtension.IsEmpty && !BitmapDirectory.IsUsed(metadata.Area))
        {
            metadata.Node.Graph.Events.Publish(new BlockWarning(CanKeep
                ? "a program lacking bitmap support modified this file, so all bitmaps are now considered inconsistent"
                : "This qcow2 v2 image contains bitmaps, but they may have been modified by software without persistent bitmap support; so now they must all be considered inconsistent"));
        }

        ThrowIfTooMany();
        foreach (BitmapDirectoryEntry entry in metadata.Bitmaps.Entries)
        {
            if (metadata.Node.Bitmaps.TryFind(entry.Name, out _))
            {
                throw new BlockException(BlockErrorKind.CorruptImage, $"Two bitmaps of the image are called '{entry.Name}'");
            }

            DirtyBitmap bitmap = Create(entry, entry.IsUnusable);
            if (!entry.IsUnusable && !await TryReadAsync(bitmap, entry, cancel))
            {
                bitmap = Create(entry, isInconsistent: true);
            }

            bitmap.IsChanged = false;
            metadata.Node.Bitmaps.Add(bitmap);
        }
    }

    /// <summary>The image was in others' hands: what it has now holds.</summary>
    public Task ReloadAsync(CancellationToken cancel)
    {
        foreach (DirtyBitmap bitmap in Persistent.ToArray())
        {
            metadata.Node.Bitmaps.Remove(bitmap);
        }

        return LoadAsync(cancel);
    }

    /// <summary>The image can be written from now on, or no longer.</summary>
    public void SetReadOnly(bool isReadOnly)
    {
        foreach (DirtyBitmap bitmap in Persistent)
        {
            bitmap.IsReadOnly = isReadOnly;
        }
    }

    /// <summary>Refuses another length of the image where a bitmap could not follow.</summary>
    /// <exception cref="BlockException">One cannot be used, or would be too large.</exception>
    public void ThrowIfNotResizable(long lengthBytes)
    {
        foreach (DirtyBitmap bitmap in Persistent)
        {
            bitmap.ThrowIfUnusable();
            if (lengthBytes / bitmap.GranularityBytes / 8 >= BitmapDirectoryEntry.BitmapBytesMax)
            {
                throw new BlockException(BlockErrorKind.TooLarge, $"Bitmap '{bitmap.Name}' would be too large for an image of {lengthBytes} bytes");
            }
        }
    }

    /// <inheritdoc/>
    public void ThrowIfNotKept(string name, long granularityBytes)
    {
        ArgumentNullException.ThrowIfNull(name);
        int nameBytes = Encoding.UTF8.GetByteCount(name);
        long others = Persistent.Sum(static bitmap => (long)BitmapDirectoryEntry.MeasureBytes(bitmap.Name!));
        long bits = (metadata.Area.Header.LengthBytes / granularityBytes) + 1;
        string? refusal = !CanKeep ? "Cannot store dirty bitmaps in qcow2 v2 files"
            : granularityBytes > 1L << BitmapDirectoryEntry.GranularityBitsMax ? $"Granularity exceeds maximum ({1L << BitmapDirectoryEntry.GranularityBitsMax} bytes)"
            : nameBytes > BitmapDirectoryEntry.NameBytesMax ? $"Name length exceeds maximum ({BitmapDirectoryEntry.NameBytesMax} characters)"
            : name.Contains('\0', StringComparison.Ordinal) ? "Its name has a zero byte"
            : bits / 8 > BitmapDirectoryEntry.BitmapBytesMax ? "Too much space will be occupied by the bitmap. Use larger granularity"
            : Persistent.Count() >= BitmapsExtension.CountMax ? "Maximum number of persistent bitmaps is already reached"
            : others + BitmapDirectoryEntry.MeasureBytes(name) > BitmapsExtension.DirectoryBytesMax ? "Not enough space in the bitmap directory"
            : null;
        if (refusal is not null)
        {
            throw new BlockException(BlockErrorKind.InvalidArgument, refusal);
        }
    }

    /// <inheritdoc/>
    public Task BeginChangeAsync(CancellationToken cancel) => metadata.BeginChangeAsync().AsTask();

    /// <inheritdoc/>
    public async Task RemoveAsync(string name, CancellationToken cancel)
    {
        await metadata.BeginChangeAsync();
        List<BitmapDirectoryEntry> kept = [.. metadata.Bitmaps.Entries];
        if (Take(kept, name) is not { } removed)
        {
            return;
        }

        await metadata.SettleAsync();
        BitmapDraft draft = new(metadata);
        await draft.DropAsync(removed);
        await draft.CommitAsync(kept);
    }

    /// <summary>Removes all of them, from the image and from the node: it becomes one of a version that has none.</summary>
    /// <exception cref="BlockException">An operation has one of them, or they could not be removed: all are as they were.</exception>
    public async Task DropAllAsync()
    {
        DirtyBitmap[] dropped = [.. Persistent];
        Array.ForEach(dropped, static bitmap => bitmap.ThrowIfUnusable(mayBeInconsistent: true));
        if (metadata.Bitmaps.Entries.Count > 0)
        {
            await metadata.SettleAsync();
            BitmapDraft draft = new(metadata);
            foreach (BitmapDirectoryEntry entry in metadata.Bitmaps.Entries)
            {
                await draft.DropAsync(entry);
            }

            await draft.CommitAsync([]);
        }

        Array.ForEach(dropped, metadata.Node.Bitmaps.Remove);
    }

    /// <inheritdoc/>
    public Task StoreAsync(CancellationToken cancel) => metadata.CleanAsync().AsTask();

    /// <summary>Marks every bitmap of the file as in use, durably, where the directory lies.</summary>
    public async ValueTask MarkInUseAsync()
    {
        BitmapDirectory marked = metadata.Bitmaps.InUse();
        if (!marked.Entries.SequenceEqual(metadata.Bitmaps.Entries))
        {
            await RewriteAsync(marked);
        }
    }

    /// <summary>Writes the bitmaps, everything else being in the file. Those that have not changed stay where they are; those that are inconsistent stay so.</summary>
    /// <exception cref="BlockException">They could not be written: they are in use.</exception>
    public async ValueTask WriteAsync()
    {
        List<BitmapDirectoryEntry> entries = [.. metadata.Bitmaps.Entries];
        List<DirtyBitmap> changed = [];
        List<DirtyBitmap> added = [];
        foreach (DirtyBitmap bitmap in Persistent.Where(static bitmap => !bitmap.IsInconsistent))
        {
            int index = entries.FindIndex(entry => entry.Name == bitmap.Name);
            if (index < 0)
            {
                added.Insert(0, bitmap);
            }
            else if (bitmap.IsChanged || bitmap.Successor is not null || 1L << entries[index].GranularityBits != bitmap.GranularityBytes)
            {
                changed.Add(bitmap);
            }
            else
            {
                entries[index] = entries[index] with { Flags = FlagsOf(bitmap, entries[index].Flags) };
            }
        }

        if (changed.Count + added.Count > 0)
        {
            await WriteAsync(entries, [.. changed, .. added]);
        }
        else if (!entries.SequenceEqual(metadata.Bitmaps.Entries))
        {
            await RewriteAsync(metadata.Bitmaps with { Entries = entries });
        }
    }

    private async ValueTask WriteAsync(List<BitmapDirectoryEntry> entries, List<DirtyBitmap> bitmaps)
    {
        BitmapDraft draft = new(metadata);
        foreach (DirtyBitmap bitmap in bitmaps)
        {
            int index = entries.FindIndex(entry => entry.Name == bitmap.Name);
            BitmapDirectoryEntry entry = EntryOf(bitmap);
            if (index >= 0)
            {
                await draft.DropAsync(entries[index]);
                entry = entry with { ExtraData = entries[index].ExtraData, Flags = FlagsOf(bitmap, entries[index].Flags) };
            }

            try
            {
                entry = await draft.WriteAsync(bitmap, entry);
            }
            catch (BlockException error)
            {
                throw error.Prefixed($"Failed to write bitmap '{bitmap.Name}' to file: ");
            }

            if (index >= 0)
            {
                entries[index] = entry;
            }
            else
            {
                entries.Add(entry);
            }
        }

        await draft.CommitAsync(entries);
        bitmaps.ForEach(static bitmap => bitmap.IsChanged = bitmap.Successor is not null);
    }

    // Only flags are others, and each is in one sector: whichever of them reach the file, each bitmap is what it says.
    private async ValueTask RewriteAsync(BitmapDirectory directory)
    {
        await metadata.File.WriteAsync(directory.HostOffset, directory.Format(), RequestFlags.None, CancellationToken.None);
        await metadata.File.FlushAsync(CancellationToken.None);
        metadata.Bitmaps = directory;
    }

    private static BitmapDirectoryEntry? Take(List<BitmapDirectoryEntry> entries, string name)
    {
        int index = entries.FindIndex(entry => entry.Name == name);
        if (index < 0)
        {
            return null;
        }

        BitmapDirectoryEntry taken = entries[index];
        entries.RemoveAt(index);
        return taken;
    }

    private static BitmapDirectoryEntry EntryOf(DirtyBitmap bitmap) => new()
    {
        TableOffset = 0,
        TableEntryCount = 0,
        Flags = FlagsOf(bitmap, 0),
        Type = BitmapDirectoryEntry.DirtyTracking,
        GranularityBits = (byte)long.Log2(bitmap.GranularityBytes),
        NameBytes = Encoding.UTF8.GetBytes(bitmap.Name!),
    };

    private static uint FlagsOf(DirtyBitmap bitmap, uint old)
    {
        uint kept = old & ~(BitmapDirectoryEntry.InUse | BitmapDirectoryEntry.Auto);
        return (bitmap.Successor ?? bitmap).IsEnabled ? kept | BitmapDirectoryEntry.Auto : kept;
    }

    private void ThrowIfTooMany()
    {
        Int128 bits = 0;
        foreach (BitmapDirectoryEntry entry in metadata.Bitmaps.Entries.Where(static entry => !entry.IsUnusable))
        {
            bits += (metadata.Area.Header.LengthBytes >> entry.GranularityBits) + 1;
        }

        if (bits > BitCountMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, $"The bitmaps of the image have {bits} bits, all together may have {BitCountMax}");
        }
    }

    // Nobody reads the bits of one that is inconsistent: it has none.
    private DirtyBitmap Create(BitmapDirectoryEntry entry, bool isInconsistent) => new(entry.Name, 1L << entry.GranularityBits, isInconsistent ? 0 : metadata.Area.Header.LengthBytes)
    {
        IsPersistent = true,
        IsEnabled = (entry.Flags & BitmapDirectoryEntry.Auto) != 0,
        IsInconsistent = isInconsistent,
        IsReadOnly = metadata.Node.IsReadOnly,
    };

    // False where it leads beyond the end of the file: zeros there would say that nothing was written.
    private async Task<bool> TryReadAsync(DirtyBitmap bitmap, BitmapDirectoryEntry entry, CancellationToken cancel)
    {
        long fileBytes = _geometry.RoundUp(metadata.File.LengthBytes);
        if ((long)entry.TableOffset + entry.TableBytes > fileBytes)
        {
            return false;
        }

        try
        {
            Memory<byte> bits = AlignedBuffer.Allocate(_geometry.ClusterBytes, metadata.File.Node.Limits.MemoryAlignmentBytes);
            long startBit = 0;
            foreach (ulong tableEntry in await BitmapDirectory.ReadTableAsync(metadata.File, entry, cancel))
            {
                long hostOffset = (long)(tableEntry & Qcow2Geometry.OffsetMask);
                if (hostOffset + _geometry.ClusterBytes > fileBytes)
                {
                    return false;
                }

                if (hostOffset != 0)
                {
                    await metadata.File.ReadAsync(hostOffset, bits, RequestFlags.None, cancel);
                    bitmap.Deserialise(startBit, bits.Span);
                }
                else if ((tableEntry & 1) != 0)
                {
                    bits.Span.Fill(byte.MaxValue);
                    bitmap.Deserialise(startBit, bits.Span);
                }

                startBit += _geometry.ClusterBytes * 8L;
            }

            return true;
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"Could not read bitmap '{entry.Name}': ");
        }
    }
}
