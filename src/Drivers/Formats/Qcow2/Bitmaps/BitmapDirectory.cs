using System.Buffers.Binary;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Bitmaps;

/// <summary>The directory of bitmaps, looked at before an image is used: what is wrong there is refused at once, not when a bitmap is wanted.</summary>
internal static class BitmapDirectory
{
    private const int ChunkBytes = 64 << 10;

    /// <summary>Reads the directory and the tables that it leads to. A name that others could not write is refused only where the image is to be written.</summary>
    /// <exception cref="BlockException">Something there cannot be right.</exception>
    public static async Task RequireSoundAsync(BlockChild file, Qcow2HeaderArea area, bool isReadOnly, CancellationToken cancel)
    {
        Qcow2Geometry geometry = area.Header.CreateGeometry();
        if (area.BitmapsExtension.IsEmpty || (area.Header.Autoclear & Qcow2AutoclearFeatures.Bitmaps) == 0)
        {
            return;
        }

        BitmapsExtension extension = BitmapsExtension.Parse(area.BitmapsExtension.Span, geometry);
        byte[] directory = new byte[extension.DirectoryBytes];
        await file.ReadAsync(extension.DirectoryOffset, directory, RequestFlags.None, cancel);
        byte[] chunk = new byte[ChunkBytes];
        foreach (BitmapDirectoryEntry entry in BitmapDirectoryEntry.ParseAll(directory, extension.Count, geometry, area.Header.LengthBytes))
        {
            if (!isReadOnly && entry.Name.Contains('\0', StringComparison.Ordinal))
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
