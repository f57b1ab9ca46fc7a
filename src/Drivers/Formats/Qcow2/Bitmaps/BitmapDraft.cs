using System.Buffers.Binary;
using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Bitmaps;

/// <summary>
/// One change of the bitmaps that an image keeps, on the way: bits, tables and a directory as they are to be, written where nothing was. One write of the header puts all
/// of it in force; until then the file has what it had.
/// </summary>
internal sealed class BitmapDraft
{
    private readonly Qcow2Metadata _metadata;
    private readonly Qcow2Geometry _geometry;
    private readonly RefcountDraft _counts;

    public BitmapDraft(Qcow2Metadata metadata)
    {
        _metadata = metadata;
        _geometry = metadata.Geometry;
        _counts = new RefcountDraft(metadata, _geometry.RefcountOrder);
    }

    /// <summary>Gives up what a bitmap has in the file. What is free already, for an image may be wrong, stays so.</summary>
    public async Task DropAsync(BitmapDirectoryEntry entry)
    {
        foreach (ulong tableEntry in await BitmapDirectory.ReadTableAsync(_metadata.File, entry, CancellationToken.None))
        {
            if ((tableEntry & Qcow2Geometry.OffsetMask) is var hostOffset and not 0)
            {
                await DropAsync((long)hostOffset, 1);
            }
        }

        await DropAsync((long)entry.TableOffset, entry.TableBytes);
    }

    /// <summary>Writes the bits and the table of a bitmap.</summary>
    /// <exception cref="BlockCore.Errors.BlockException">There is no room, or they could not be written.</exception>
    public async Task<BitmapDirectoryEntry> WriteAsync(DirtyBitmap bitmap, BitmapDirectoryEntry entry)
    {
        long bitsPerCluster = _geometry.ClusterBytes * 8L;
        long bitCount = (bitmap.LengthBytes + bitmap.GranularityBytes - 1) / bitmap.GranularityBytes;
        int entryCount = (int)Math.Max(1, (bitCount + bitsPerCluster - 1) / bitsPerCluster);
        byte[] table = new byte[_geometry.RoundUp(entryCount * (long)sizeof(ulong))];
        ClusterWriter writer = new(_metadata);
        for (int i = 0; i < entryCount; i++)
        {
            Memory<byte> bits = AlignedBuffer.Allocate(_geometry.ClusterBytes, _metadata.File.Node.Limits.MemoryAlignmentBytes);
            if (Serialise(bitmap, i * bitsPerCluster, bits.Span))
            {
                long hostOffset = await _counts.TakeAsync(1);
                BinaryPrimitives.WriteInt64BigEndian(table.AsSpan(i * sizeof(ulong)), hostOffset);
                await writer.AddAsync(hostOffset, bits);
            }
        }

        await writer.FinishAsync();
        long tableOffset = await _counts.TakeAsync(table.Length >> _geometry.ClusterBits);
        await _metadata.File.WriteAsync(tableOffset, table, RequestFlags.None, CancellationToken.None);
        return entry with { TableOffset = (ulong)tableOffset, TableEntryCount = (uint)entryCount };
    }

    /// <summary>Writes the rest and puts all of it in force, durably.</summary>
    /// <param name="entries">The bitmaps there are to be.</param>
    /// <exception cref="BlockCore.Errors.BlockException">It could not be written: the image is as it was.</exception>
    public async Task CommitAsync(IReadOnlyList<BitmapDirectoryEntry> entries)
    {
        BitmapDirectory old = _metadata.Bitmaps;
        if (old.HostOffset != 0)
        {
            await DropAsync(old.HostOffset, old.LengthBytes);
        }

        BitmapDirectory directory = entries.Count == 0 ? BitmapDirectory.Empty : await WriteDirectoryAsync(entries);
        await _counts.WriteAsync();
        await _metadata.File.FlushAsync(CancellationToken.None);
        await _metadata.SwitchHeaderAsync(area => area with
        {
            Header = area.Header with
            {
                RefcountTableOffset = _counts.TableOffset,
                RefcountTableClusters = _counts.TableClusters,
                Autoclear = entries.Count == 0 ? area.Header.Autoclear & ~Qcow2AutoclearFeatures.Bitmaps : area.Header.Autoclear | Qcow2AutoclearFeatures.Bitmaps,
            },
            BitmapsExtension = entries.Count == 0 ? default : new BitmapsExtension(entries.Count, directory.LengthBytes, directory.HostOffset).Format(),
        });
        _metadata.Bitmaps = directory;
        await _metadata.AdoptAsync(_counts, null, _metadata.Snapshots, DiscardReason.Other);
    }

    // What follows writes in the bitmap's stead is a part of it.
    private static bool Serialise(DirtyBitmap bitmap, long startBit, Span<byte> bits)
    {
        bool isAny = bitmap.Serialise(startBit, bits);
        if (bitmap.Successor is { } successor)
        {
            byte[] more = new byte[bits.Length];
            isAny |= successor.Serialise(startBit, more);
            for (int i = 0; i < bits.Length; i++)
            {
                bits[i] |= more[i];
            }
        }

        return isAny;
    }

    private async Task<BitmapDirectory> WriteDirectoryAsync(IReadOnlyList<BitmapDirectoryEntry> entries)
    {
        BitmapDirectory directory = new(entries, 0);
        byte[] bytes = new byte[_geometry.RoundUp(directory.LengthBytes)];
        directory.Format().CopyTo(bytes, 0);
        long hostOffset = await _counts.TakeAsync(bytes.Length >> _geometry.ClusterBits);
        await _metadata.File.WriteAsync(hostOffset, bytes, RequestFlags.None, CancellationToken.None);
        return directory with { HostOffset = hostOffset };
    }

    private async ValueTask DropAsync(long hostOffset, long lengthBytes)
    {
        for (long at = hostOffset; at < hostOffset + lengthBytes; at += _geometry.ClusterBytes)
        {
            if (await _counts.GetAsync(at >> _geometry.ClusterBits) > 0)
            {
                await _counts.ChangeAsync(at >> _geometry.ClusterBits, -1);
            }
        }
    }
}
