using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Tables of 64 bits an entry, the highest byte first: L1, refcount and bitmap tables as they stand in the file, and as numbers.</summary>
internal static class TableEntries
{
    // A table is read through one buffer that others use, too: a table of its own length would be memory that the system has to clear first.
    private const int PieceBytesMax = 256 << 10;

    /// <summary>Reads a table.</summary>
    public static async Task<ulong[]> ReadAsync(BlockChild file, long hostOffset, int entryCount, CancellationToken cancel)
    {
        ulong[] entries = new ulong[entryCount];
        await ReadAsync(file, hostOffset, entries, cancel);
        return entries;
    }

    /// <summary>Reads a table of places in the file.</summary>
    public static async Task<long[]> ReadOffsetsAsync(BlockChild file, long hostOffset, int entryCount, CancellationToken cancel)
    {
        long[] offsets = new long[entryCount];
        await ReadAsync(file, hostOffset, offsets, cancel);
        return offsets;
    }

    /// <summary>A table as it stands in the file.</summary>
    public static byte[] Format(ReadOnlySpan<ulong> entries)
    {
        byte[] bytes = new byte[(long)entries.Length * sizeof(ulong)];
        Format(entries, bytes);
        return bytes;
    }

    /// <inheritdoc cref="Format(ReadOnlySpan{ulong})"/>
    public static byte[] Format(ReadOnlySpan<long> entries) => Format(MemoryMarshal.Cast<long, ulong>(entries));

    /// <summary>Writes a table as it stands in the file to the beginning of <paramref name="bytes"/>.</summary>
    public static void Format(ReadOnlySpan<ulong> entries, Span<byte> bytes) => Reverse(entries, MemoryMarshal.Cast<byte, ulong>(bytes)[..entries.Length]);

    /// <summary>Writes a table, with zeros behind it up to <paramref name="entryCount"/> entries. What leads there is written later: a part of it may be there without the rest.</summary>
    public static async Task WriteAsync<T>(BlockChild file, long hostOffset, T[] entries, long entryCount)
        where T : unmanaged
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(entryCount * sizeof(ulong), PieceBytesMax));
        try
        {
            int perPiece = buffer.Length / sizeof(ulong);
            for (long done = 0; done < entryCount; done += perPiece)
            {
                int count = (int)Math.Min(perPiece, entryCount - done);
                int there = (int)Math.Clamp(entries.Length - done, 0, count);
                Memory<byte> piece = buffer.AsMemory(0, count * sizeof(ulong));
                Format(MemoryMarshal.Cast<T, ulong>(entries.AsSpan((int)(there == 0 ? 0 : done), there)), piece.Span);
                piece.Span[(there * sizeof(ulong))..].Clear();
                await file.WriteAsync(hostOffset + (done * sizeof(ulong)), piece, RequestFlags.None, CancellationToken.None);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task ReadAsync<T>(BlockChild file, long hostOffset, T[] entries, CancellationToken cancel)
        where T : unmanaged
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min((long)entries.Length * sizeof(ulong), PieceBytesMax));
        try
        {
            int perPiece = buffer.Length / sizeof(ulong);
            for (int done = 0; done < entries.Length; done += perPiece)
            {
                int count = Math.Min(perPiece, entries.Length - done);
                Memory<byte> piece = buffer.AsMemory(0, count * sizeof(ulong));
                await file.ReadAsync(hostOffset + ((long)done * sizeof(ulong)), piece, RequestFlags.None, cancel);
                Reverse(MemoryMarshal.Cast<byte, ulong>(piece.Span), MemoryMarshal.Cast<T, ulong>(entries.AsSpan(done, count)));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // The one between the file's order of bytes and the processor's, which is the same in both directions.
    private static void Reverse(ReadOnlySpan<ulong> from, Span<ulong> to)
    {
        if (BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(from, to);
        }
        else
        {
            from.CopyTo(to);
        }
    }
}
