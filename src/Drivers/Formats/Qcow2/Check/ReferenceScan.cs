using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// Follows everything that the header leads to and counts how often each cluster of a window is used. It changes nothing. What it tells of has the words that people look for:
/// those of the programs that they know.
/// </summary>
/// <param name="metadata">The image's.</param>
/// <param name="references">Where it is kept, of the clusters of a window.</param>
/// <param name="report">Told of what is wrong with entries, wherever they lead.</param>
/// <param name="pace">How far it has come.</param>
internal sealed partial class ReferenceScan(Qcow2Metadata metadata, ImageReferences references, CheckReport report, CheckPace pace)
{
    private const int ChunkBytes = 64 << 10;
    private const ulong ReservedBlockBits = 0x1ff;

    private readonly Qcow2Geometry _geometry = metadata.Geometry;
    private readonly ImageReferences _references = references;
    private readonly CountWindow _window = references.Counts.Window;
    private readonly long _fileBytes = metadata.File.LengthBytes;
    private Memory<byte> _table;

    /// <summary>Looks whether compressed clusters can be decompressed.</summary>
    public bool ReadsData { get; init; }

    /// <summary>Where L2 tables lead, once a pass has looked at all.</summary>
    public required TableRanges Ranges { get; init; }

    /// <summary>Told of blocks of counts that are used for something else, too, those in the window.</summary>
    public required CheckReport BlockReport { get; init; }

    /// <summary>Of the blocks of counts before this cluster it was told; in passes before, until this one comes to them.</summary>
    public long BlocksToldEnd { get; set; }

    private Qcow2Header Header => metadata.Area.Header;

    /// <summary>Follows everything.</summary>
    public async Task RunAsync()
    {
        TryAdd(0, 1, 1, MetadataKind.Header);
        TableSweep tops = new(_geometry);
        await AddSnapshotsAsync(tops);
        AddTable(tops, Header.L1Offset, (long)Header.L1EntryCount * sizeof(ulong), isActive: true);
        AddClusters(tops, MetadataKind.ActiveL1, MetadataKind.InactiveL1);
        await AddTopsAsync(tops);
        await AddTablesAsync();
        await AddBitmapsAsync();
        if (metadata.Area.EncryptionHeader is var (offset, lengthBytes))
        {
            TryAdd(offset, lengthBytes, 1, MetadataKind.Header);
        }

        AddRefcounts();
        foreach ((long cluster, string names) in _references.Overlaps())
        {
            report.Error($"ERROR cluster {cluster} holds more than one structure: {names}");
        }
    }

    /// <summary>Counts every cluster that a range touches.</summary>
    /// <returns>False where the range is not in the file: that is told of, and nothing counted.</returns>
    private bool TryAdd(long hostOffset, long lengthBytes, ulong weight, MetadataKind kind)
    {
        bool isInFile = IsInFile(hostOffset, lengthBytes);
        if (isInFile && lengthBytes > 0)
        {
            Count(hostOffset, lengthBytes, weight, kind);
        }

        return isInFile;
    }

    // A range may reach a little beyond the end: the last cluster need not be whole.
    private bool IsInFile(long hostOffset, long lengthBytes)
    {
        if (lengthBytes == 0 || (hostOffset >= 0 && (Int128)hostOffset + lengthBytes - _fileBytes < _geometry.ClusterBytes))
        {
            return true;
        }

        report.Error($"ERROR: counting reference for region exceeding the end of the file by one cluster or more: offset 0x{hostOffset:x} size 0x{lengthBytes:x}");
        _references.HidesReferences = true;
        return false;
    }

    private void Count(long hostOffset, long lengthBytes, ulong weight, MetadataKind kind)
    {
        long last = (hostOffset + lengthBytes - 1) >> _geometry.ClusterBits;
        for (long cluster = hostOffset >> _geometry.ClusterBits; cluster <= last; cluster++)
        {
            _references.Counts.Add(cluster, weight);
            if (kind != MetadataKind.None)
            {
                _references.Kinds.Add(cluster, kind);
            }
        }
    }

    private void AddTable(TableSweep tables, long hostOffset, long lengthBytes, bool isActive)
    {
        if (lengthBytes > 0 && IsInFile(hostOffset, lengthBytes))
        {
            tables.Add(hostOffset, lengthBytes, isActive);
        }
    }

    private void AddClusters(TableSweep tables, MetadataKind active, MetadataKind inactive)
    {
        foreach (TablePiece piece in tables.Clusters())
        {
            MetadataKind kind = !piece.IsActive ? inactive : piece.Weight > 1 ? active | inactive : active;
            Count(piece.HostOffset, piece.LengthBytes, piece.Weight, kind);
        }
    }

    /// <summary>Reads a piece of a table, which is there until the next is read; null where it cannot be read, which is told of.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Memory<byte>?> TryReadTableAsync(long hostOffset, int lengthBytes, string what)
    {
        if (_table.Length < lengthBytes)
        {
            _table = NewBuffer(lengthBytes);
        }

        return await TryReadAsync(hostOffset, _table[..lengthBytes], what);
    }

    private Memory<byte> NewBuffer(int lengthBytes) => AlignedBuffer.Allocate(lengthBytes, metadata.File.Node.Limits.MemoryAlignmentBytes);

    /// <summary>Reads a piece of a structure; null where it cannot be read, which is told of.</summary>
    private ValueTask<Memory<byte>?> TryReadAsync(long hostOffset, int lengthBytes, string what) => TryReadAsync(hostOffset, NewBuffer(lengthBytes), what);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Memory<byte>?> TryReadAsync(long hostOffset, Memory<byte> bytes, string what)
    {
        pace.ThrowIfCancelled();
        try
        {
            await metadata.File.ReadAsync(hostOffset, bytes, RequestFlags.None, CancellationToken.None);
            return bytes;
        }
        catch (BlockException error)
        {
            report.Unchecked($"ERROR: {what} at 0x{hostOffset:x} could not be read: {error.Message}");
            _references.HidesReferences = true;
            return null;
        }
    }

    private void AddRefcounts()
    {
        long tableBytes = (long)Header.RefcountTableClusters << _geometry.ClusterBits;
        bool hides = _references.HidesReferences;
        if (tableBytes == 0 || !TryAdd(Header.RefcountTableOffset, tableBytes, 1, MetadataKind.RefcountTable))
        {
            // What it should lead to is only counts.
            _references.HidesReferences = hides;
            _references.IsCountedSoundly = false;
            return;
        }

        AddBlocks(metadata.Refcounts.Blocks);
        RequireAlone(Header.RefcountTableOffset, tableBytes, MetadataKind.RefcountTable);
        foreach (long block in _references.Blocks)
        {
            if (block >= 0)
            {
                RequireAlone(block, _geometry.ClusterBytes, MetadataKind.RefcountBlock);
            }
        }
    }

    // The window is the same for all of them: each is told of in one pass.
    private void AddBlocks(ReadOnlySpan<long> blocks)
    {
        foreach (long block in blocks)
        {
            if (block > 0 && block < _fileBytes)
            {
                _references.Counts.MakeRoomFor(block >> _geometry.ClusterBits);
            }
        }

        _window.IsFixed = true;
        for (int i = 0; i < blocks.Length; i++)
        {
            if (blocks[i] != 0)
            {
                AddBlock(i, unchecked((ulong)blocks[i]));
            }
        }

        _window.IsFixed = false;
        BlocksToldEnd = _window.End;
    }

    private void AddBlock(int index, ulong entry)
    {
        if ((entry & ReservedBlockBits) != 0 && _geometry.IsClusterStart((long)(entry & ~ReservedBlockBits & long.MaxValue)))
        {
            report.CountError($"ERROR refcount table entry {index} has reserved bits set");
            _references.IsCountedSoundly = false;
            entry &= ~ReservedBlockBits;
        }

        if (Refusal(index, entry) is { } refusal)
        {
            report.CountError(refusal);
            _references.IsCountedSoundly = false;
            return;
        }

        long block = (long)entry;
        long cluster = block >> _geometry.ClusterBits;
        bool isKnown = (_references.Kinds.Get(cluster) & MetadataKind.RefcountBlock) != 0;
        Count(block, 1, 1, MetadataKind.RefcountBlock);
        if (_window.Contains(cluster) && cluster >= BlocksToldEnd && _references.Counts.Get(cluster) != 1)
        {
            BlockReport.CountError($"ERROR refcount block {index} refcount={_references.Counts.Get(cluster)}");
        }

        if (isKnown)
        {
            _references.AddBlockUse(cluster);
        }
        else
        {
            _references.Blocks[index] = block;
        }
    }

    private string? Refusal(int index, ulong entry) =>
        !_geometry.IsClusterStart((long)(entry & long.MaxValue)) ? $"ERROR refcount block {index} is not cluster aligned; refcount table entry corrupted"
        : entry >= (ulong)_geometry.RoundUp(_fileBytes) ? $"ERROR refcount block {index} is outside image"
        : null;

    private void RequireAlone(long hostOffset, long lengthBytes, MetadataKind kind)
    {
        for (long cluster = hostOffset >> _geometry.ClusterBits; cluster << _geometry.ClusterBits < hostOffset + lengthBytes; cluster++)
        {
            _references.IsCountedSoundly &= _references.IsAlone(cluster, kind);
        }
    }

    // Entries of a table that lies in pieces of the file: each piece is read in chunks.
    private async Task ForEachChunkAsync(TablePiece piece, string what, Action<long, ReadOnlySpan<byte>> look)
    {
        for (long done = 0; done < piece.LengthBytes; done += ChunkBytes)
        {
            int length = (int)Math.Min(ChunkBytes, piece.LengthBytes - done);
            if (await TryReadTableAsync(piece.HostOffset + done, length, what) is { } bytes)
            {
                look(piece.HostOffset + done, bytes.Span);
            }
        }
    }

    private static ulong EntryAt(ReadOnlySpan<byte> table, int index) => BinaryPrimitives.ReadUInt64BigEndian(table[(index * sizeof(ulong))..]);
}
