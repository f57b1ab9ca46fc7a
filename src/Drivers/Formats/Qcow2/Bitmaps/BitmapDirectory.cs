using System.Buffers.Binary;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Bitmaps;

/// <summary>The bitmaps of an image, as the directory in the file has them (specification: Bitmap directory). A value: a change makes another, which is written elsewhere.</summary>
/// <param name="Entries">The bitmaps, in the order of the directory.</param>
/// <param name="HostOffset">Where the directory lies; 0 for none.</param>
internal sealed record BitmapDirectory(IReadOnlyList<BitmapDirectoryEntry> Entries, long HostOffset)
{
    private const int ChunkBytes = 64 << 10;

    /// <summary>No bitmaps.</summary>
    public static BitmapDirectory Empty { get; } = new([], 0);

    /// <summary>How long the directory is, in bytes.</summary>
    public int LengthBytes => Entries.Sum(static entry => entry.TotalBytes);

    /// <summary>The header has bitmaps that hold: nobody wrote who does not know them.</summary>
    public static bool IsUsed(Qcow2HeaderArea area) => !area.BitmapsExtension.IsEmpty && (area.Header.Autoclear & Qcow2AutoclearFeatures.Bitmaps) != 0;

    /// <summary>Reads the directory.</summary>
    /// <exception cref="BlockException">Something there cannot be right, or it could not be read.</exception>
    public static async Task<BitmapDirectory> ReadAsync(BlockChild file, Qcow2HeaderArea area, CancellationToken cancel)
    {
        if (!IsUsed(area))
        {
            return Empty;
        }

        Qcow2Geometry geometry = area.Header.CreateGeometry();
        BitmapsExtension extension = BitmapsExtension.Parse(area.BitmapsExtension.Span, geometry);
        byte[] directory = new byte[extension.DirectoryBytes];
        await file.ReadAsync(extension.DirectoryOffset, directory, RequestFlags.None, cancel);
        return new BitmapDirectory(BitmapDirectoryEntry.ParseAll(directory, extension.Count, geometry, area.Header.LengthBytes), extension.DirectoryOffset);
    }

    /// <summary>Reads the tables that the directory leads to. A name that others could not write is refused only where the image is to be written.</summary>
    /// <exception cref="BlockException">Something there cannot be right, or could not be read.</exception>
    public async Task RequireSoundAsync(BlockChild file, Qcow2Geometry geometry, bool isReadOnly, CancellationToken cancel)
    {
        byte[] chunk = Entries.Count == 0 ? [] : new byte[ChunkBytes];
        foreach (BitmapDirectoryEntry entry in Entries)
        {
            if (!isReadOnly && entry.NameBytes.Span.Contains((byte)0))
            {
                throw new BlockException(BlockErrorKind.CorruptImage, "The name of a bitmap contains a zero byte: the image cannot be written");
            }

            for (long done = 0; done < entry.TableBytes; done += ChunkBytes)
            {
                int length = (int)Math.Min(ChunkBytes, entry.TableBytes - done);
                await file.ReadAsync((long)entry.TableOffset + done, chunk.AsMemory(0, length), RequestFlags.None, cancel);
                RequireSound(chunk.AsSpan(0, length), entry.Name, geometry);
            }
        }
    }

    /// <summary>Reads the table of one bitmap.</summary>
    /// <exception cref="BlockException">It could not be read.</exception>
    public static Task<ulong[]> ReadTableAsync(BlockChild file, BitmapDirectoryEntry entry, CancellationToken cancel) =>
        TableEntries.ReadAsync(file, (long)entry.TableOffset, (int)entry.TableEntryCount, cancel);

    /// <summary>The bytes of the directory.</summary>
    public byte[] Format()
    {
        byte[] bytes = new byte[LengthBytes];
        int at = 0;
        foreach (BitmapDirectoryEntry entry in Entries)
        {
            entry.WriteTo(bytes.AsSpan(at, entry.TotalBytes));
            at += entry.TotalBytes;
        }

        return bytes;
    }

    /// <summary>The same where every bitmap is in use.</summary>
    public BitmapDirectory InUse() => this with { Entries = [.. Entries.Select(static entry => entry with { Flags = entry.Flags | BitmapDirectoryEntry.InUse })] };

    /// <summary>Tells where the directory, the tables and the bits lie.</summary>
    public async ValueTask AddPlacesAsync(Qcow2Metadata metadata)
    {
        if (HostOffset == 0)
        {
            return;
        }

        metadata.Places.Add(MetadataKind.BitmapDirectory, HostOffset, LengthBytes);
        foreach (BitmapDirectoryEntry entry in Entries)
        {
            metadata.Places.Add(MetadataKind.BitmapDirectory, (long)entry.TableOffset, entry.TableBytes);
            foreach (ulong tableEntry in await ReadTableAsync(metadata.File, entry, CancellationToken.None))
            {
                if ((tableEntry & Qcow2Geometry.OffsetMask) is var hostOffset and not 0)
                {
                    metadata.Places.Add(MetadataKind.BitmapDirectory, (long)hostOffset, metadata.Geometry.ClusterBytes);
                }
            }
        }
    }

    private static void RequireSound(ReadOnlySpan<byte> table, string name, Qcow2Geometry geometry)
    {
        for (; !table.IsEmpty; table = table[sizeof(ulong)..])
        {
            ulong entry = BinaryPrimitives.ReadUInt64BigEndian(table);
            long hostOffset = (long)(entry & Qcow2Geometry.OffsetMask);
            if ((entry & BitmapDirectoryEntry.ReservedTableBits) != 0 || !geometry.IsClusterStart(hostOffset) || (hostOffset != 0 && (entry & 1) != 0))
            {
                throw new BlockException(BlockErrorKind.CorruptImage, $"Could not read bitmap_table table from image for bitmap '{name}': entry 0x{entry:x} is invalid");
            }
        }
    }
}
