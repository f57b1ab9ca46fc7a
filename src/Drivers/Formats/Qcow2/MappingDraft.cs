using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Walks L1 tables and what they lead to: counts it in a <see cref="RefcountDraft"/>, and makes the active map as it is to be with these counts.</summary>
internal sealed partial class MappingDraft(Qcow2Metadata metadata, RefcountDraft counts)
{
    private const ulong CopiedFlag = L2Entry.CopiedFlag;
    private const byte CopiedFlagInFirstByte = 0x80;
    private const int ReadBytesMax = 1 << 20;

    private readonly Qcow2Geometry _geometry = metadata.Geometry;
    private Memory<byte> _buffer;

    /// <summary>Counts every L2 table that a top table leads to, and every cluster that these lead to, once more or once less.</summary>
    /// <exception cref="BlockException">An entry cannot be right, a count would not fit, or a table could not be read.</exception>
    public Task CountAsync(ReadOnlyMemory<ulong> top, int change, CancellationToken cancel) => ForEachTableAsync(top, (l1Index, bytes) => CountTableAsync(top.Span[l1Index], bytes, change), cancel);

    /// <summary>
    /// Makes <paramref name="top"/> the active top table for what it leads to: every mark of a cluster that is its own is as the counts say. A table whose marks must change
    /// is written elsewhere, for somebody else may have it, or the image that is still in force.
    /// </summary>
    /// <exception cref="BlockException">There is no room, or a table could not be read or written.</exception>
    public async Task RebuildAsync(ulong[] top, CancellationToken cancel)
    {
        ClusterWriter writer = new(metadata);
        await ForEachTableAsync(top, async (l1Index, bytes) =>
        {
            long table = TableOf(top[l1Index]);
            if (!await TryCorrectMarksAsync(bytes))
            {
                top[l1Index] = (ulong)table | (await counts.GetAsync(table >> _geometry.ClusterBits) == 1 ? CopiedFlag : 0);
                return;
            }

            long place = await counts.TakeAsync(1);
            await counts.ChangeAsync(table >> _geometry.ClusterBits, -1);
            await writer.AddAsync(place, bytes);
            top[l1Index] = (ulong)place | CopiedFlag;
        }, cancel, writer);
        for (int i = 0; i < top.Length; i++)
        {
            top[i] = TableOf(top[i]) == 0 ? 0 : top[i];
        }
    }

    // Tables that lie one behind the other are read at once. What was added to the writer is written before the memory is used again.
    private async Task ForEachTableAsync(ReadOnlyMemory<ulong> top, Func<int, Memory<byte>, ValueTask> use, CancellationToken cancel, ClusterWriter? writer = null)
    {
        if (_buffer.IsEmpty)
        {
            _buffer = AlignedBuffer.Allocate(Math.Max(ReadBytesMax, _geometry.ClusterBytes), metadata.File.Node.Limits.MemoryAlignmentBytes);
        }

        for (int first = 0; first < top.Length;)
        {
            long table = TableOf(top.Span[first]);
            if (table == 0)
            {
                first++;
                continue;
            }

            cancel.ThrowIfCancellationRequested();
            ThrowUnlessTable(table, first);
            int count = 1;
            while (first + count < top.Length && (count + 1) << _geometry.ClusterBits <= _buffer.Length && TableOf(top.Span[first + count]) == table + ((long)count << _geometry.ClusterBits))
            {
                count++;
            }

            await metadata.File.ReadAsync(table, _buffer[..(count << _geometry.ClusterBits)], RequestFlags.None, CancellationToken.None);
            for (int i = 0; i < count; i++)
            {
                await use(first + i, _buffer.Slice(i << _geometry.ClusterBits, _geometry.ClusterBytes));
            }

            if (writer is not null)
            {
                await writer.FinishAsync();
            }

            first += count;
        }
    }

    private async ValueTask CountTableAsync(ulong topEntry, Memory<byte> bytes, int change)
    {
        await counts.ChangeAsync(TableOf(topEntry) >> _geometry.ClusterBits, change);
        for (int index = NextUsed(bytes, 0); index >= 0; index = NextUsed(bytes, index + 1))
        {
            L2Entry entry = Entry(bytes, index);
            if (entry.IsCompressed)
            {
                CompressedPlace place = CompressedPlace.Of(entry, _geometry);
                long start = _geometry.ClusterStart(place.HostOffset);
                await counts.ChangeAsync(start, _geometry.RoundUp(place.EndOffset) - start, change);
            }
            else if (entry.HasCluster)
            {
                ThrowUnlessCluster(entry, index);
                await counts.ChangeAsync(entry.HostOffset >> _geometry.ClusterBits, change);
            }
        }
    }

    // True where any mark was wrong.
    private async ValueTask<bool> TryCorrectMarksAsync(Memory<byte> bytes)
    {
        bool isCorrected = false;
        for (int index = NextUsed(bytes, 0); index >= 0; index = NextUsed(bytes, index + 1))
        {
            L2Entry entry = Entry(bytes, index);
            ulong count = entry.HasCluster ? await counts.GetAsync(entry.HostOffset >> _geometry.ClusterBits) : ulong.MaxValue;
            if (count == 0)
            {
                throw new BlockException(BlockErrorKind.CorruptImage, $"The cluster at 0x{entry.HostOffset:x} is used more often than its reference count says; check the image");
            }

            bool isOwn = count == 1;
            int at = index * _geometry.L2EntryBytes;
            if (isOwn != ((bytes.Span[at] & CopiedFlagInFirstByte) != 0))
            {
                bytes.Span[at] ^= CopiedFlagInFirstByte;
                isCorrected = true;
            }
        }

        return isCorrected;
    }

    // Most of a table is zeros, often.
    private int NextUsed(Memory<byte> bytes, int index)
    {
        int start = index * _geometry.L2EntryBytes;
        if (start >= bytes.Length)
        {
            return -1;
        }

        int found = MemoryMarshal.Cast<byte, ulong>(bytes.Span[start..]).IndexOfAnyExcept(0UL);
        return found < 0 ? -1 : index + (found * sizeof(ulong) / _geometry.L2EntryBytes);
    }

    private L2Entry Entry(Memory<byte> bytes, int index) => L2Entry.Read(bytes.Span[(index * _geometry.L2EntryBytes)..], _geometry);

    private static long TableOf(ulong topEntry) => (long)(topEntry & Qcow2Geometry.OffsetMask);

    private void ThrowUnlessTable(long table, int l1Index)
    {
        if (!_geometry.IsClusterStart(table))
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"L2 table offset 0x{table:x} unaligned (L1 index: 0x{l1Index:x})");
        }
    }

    private void ThrowUnlessCluster(L2Entry entry, int index)
    {
        if (!_geometry.IsClusterStart(entry.HostOffset))
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"Cluster allocation offset 0x{entry.HostOffset:x} unaligned (L2 index: 0x{index:x})");
        }
    }
}
