using System.Buffers.Binary;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// Goes through the entries of L1 and L2 tables once the counts are known: the mark of a cluster that belongs to one entry alone must agree with its count. Mends
/// what leaves no doubt. What is also part of another structure is never written. Of marks those are looked at whose clusters are in a window.
/// </summary>
internal sealed class TableMends(Qcow2Metadata metadata, CountPass pass, CheckReport report, CheckPace pace)
{
    /// <summary>The bits of an L1 entry that must be zero.</summary>
    public const ulong ReservedL1Bits = 0x7f00_0000_0000_01ff;

    private const ulong ReservedPlainBits = 0x3f00_0000_0000_01fe;
    private const int ChunkBytes = 64 << 10;

    private readonly Qcow2Geometry _geometry = metadata.Geometry;
    private readonly ImageReferences _references = pass.References;

    // A piece of a table, and what it was before.
    private readonly Memory<byte> _bytes =
        AlignedBuffer.Allocate(Math.Max(ChunkBytes, metadata.Geometry.ClusterBytes), metadata.File.Node.Limits.MemoryAlignmentBytes);
    private readonly byte[] _old = new byte[Math.Max(ChunkBytes, metadata.Geometry.ClusterBytes)];

    /// <summary>How often a cluster is used; after the counts are mended, where they are.</summary>
    public required Func<long, ulong> CountOf { get; init; }

    /// <summary>How often it was used before; null where it does not matter.</summary>
    public Func<long, ulong>? OldCountOf { get; init; }

    /// <summary>True to mend all that can be, false to mend marks only, and only those that the change of the counts made wrong; null to mend nothing.</summary>
    public bool? MendsAll { get; init; }

    /// <summary>The bits of an L2 entry, not of a compressed cluster, that must be zero.</summary>
    public static ulong ReservedL2Bits(Qcow2Geometry geometry) => geometry.HasSubclusters ? ReservedPlainBits | L2Entry.ZeroFlag : ReservedPlainBits;

    /// <summary>Goes through all tables, and makes durable what it has written.</summary>
    public async Task RunAsync()
    {
        bool hasChanged = false;
        foreach (TablePiece piece in _references.Tops)
        {
            for (long done = 0; done < piece.LengthBytes; done += ChunkBytes)
            {
                long hostOffset = piece.HostOffset + done;
                hasChanged |= await MendAsync(hostOffset, (int)Math.Min(ChunkBytes, piece.LengthBytes - done), IsPlainTop(hostOffset), bytes => MendTop(hostOffset, bytes, piece.IsActive));
            }
        }

        int index = 0;
        foreach ((long table, TableUse use) in _references.ActiveTables().Concat(MendsAll == true ? _references.InactiveTables() : []))
        {
            hasChanged |= pass.Ranges.MayTouch(index++, pass.Window) && await MendAsync(table, _geometry.ClusterBytes, _references.IsPlainTable(table >> _geometry.ClusterBits), bytes => MendTable(bytes, use.IsActive));
        }

        if (hasChanged)
        {
            await metadata.File.FlushAsync(CancellationToken.None);
        }
    }

    private bool IsPlainTop(long hostOffset) => _references.Kinds.Get(hostOffset >> _geometry.ClusterBits) is MetadataKind.ActiveL1 or MetadataKind.InactiveL1;

    // Writes from the first byte that is another to the last.
    private async Task<bool> MendAsync(long hostOffset, int lengthBytes, bool isWritable, Action<Span<byte>> mend)
    {
        pace.ThrowIfCancelled();
        Memory<byte> bytes = _bytes[..lengthBytes];
        try
        {
            await metadata.File.ReadAsync(hostOffset, bytes, RequestFlags.None, CancellationToken.None);
        }
        catch (BlockException)
        {
            // It was told of when it was read first.
            return false;
        }

        if (MendsAll is null)
        {
            mend(bytes.Span);
            return false;
        }

        if (!isWritable)
        {
            return false;
        }

        bytes.Span.CopyTo(_old);
        mend(bytes.Span);
        int start = bytes.Span.CommonPrefixLength(_old);
        if (start == lengthBytes)
        {
            return false;
        }

        int end = lengthBytes;
        while (bytes.Span[end - 1] == _old[end - 1])
        {
            end--;
        }

        start &= ~15;
        end = Math.Min((end + 15) & ~15, lengthBytes);
        await metadata.File.WriteAsync(hostOffset + start, bytes[start..end], RequestFlags.None, CancellationToken.None);
        return true;
    }

    private void MendTop(long hostOffset, Span<byte> chunk, bool isActive)
    {
        for (int i = 0; i < chunk.Length / sizeof(ulong); i++)
        {
            Span<byte> bytes = chunk[(i * sizeof(ulong))..];
            ulong entry = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            ulong mended = MendBits(entry, ReservedL1Bits, entry, static shown => $"Repairing L1 entry with reserved bits set: {shown:x}");
            long table = (long)(entry & Qcow2Geometry.OffsetMask);
            if (isActive && table != 0 && _geometry.IsClusterStart(table))
            {
                long index = ((hostOffset - metadata.Area.Header.L1Offset) / sizeof(ulong)) + i;
                mended = MendMark(mended, table, index, entry);
            }

            BinaryPrimitives.WriteUInt64BigEndian(bytes, mended);
        }
    }

    private void MendTable(Span<byte> table, bool isActive)
    {
        for (int i = 0; i < _geometry.L2EntryCount; i++)
        {
            Span<byte> bytes = table[(i * _geometry.L2EntryBytes)..];
            ulong entry = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            if ((entry & L2Entry.CompressedFlag) != 0)
            {
                MendCompressed(bytes, entry);
            }
            else if (entry != 0)
            {
                BinaryPrimitives.WriteUInt64BigEndian(bytes, MendEntry(entry, isActive));
            }
        }
    }

    // A compressed cluster is never written in place, and has no subclusters.
    private void MendCompressed(Span<byte> bytes, ulong entry)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, MendBits(entry, L2Entry.CopiedFlag, entry, static shown => $"Repairing copied flag of a compressed cluster, entry=0x{shown:x}"));
        if (_geometry.HasSubclusters)
        {
            ulong bitmap = BinaryPrimitives.ReadUInt64BigEndian(bytes[sizeof(ulong)..]);
            ulong mended = MendBits(bitmap, ulong.MaxValue, entry, static shown => $"Repairing non-zero subcluster allocation bitmap of a compressed cluster, entry=0x{shown:x}");
            BinaryPrimitives.WriteUInt64BigEndian(bytes[sizeof(ulong)..], mended);
        }
    }

    private ulong MendEntry(ulong entry, bool isActive)
    {
        ulong mended = MendBits(entry, ReservedL2Bits(_geometry), entry, static shown => $"Repairing l2 entry with reserved bits set: {shown:x}");
        long hostOffset = (long)(entry & Qcow2Geometry.OffsetMask);
        if (!_geometry.IsClusterStart(hostOffset))
        {
            // Zeros need no cluster.
            bool isZero = !_geometry.HasSubclusters && (entry & L2Entry.ZeroFlag) != 0;
            return !isZero ? mended
                : MendBits(mended, ~L2Entry.ZeroFlag, (ulong)hostOffset, static shown => $"Repairing offset={shown:x}: Preallocated cluster is not properly aligned; L2 entry corrupted.");
        }

        bool hasCluster = hostOffset != 0 || (_geometry.HasDataFile && (entry & L2Entry.CopiedFlag) != 0);
        return isActive && hasCluster ? MendMark(mended, hostOffset, null, entry) : mended;
    }

    // Of a hundred thousand entries hardly one is told of: words are made for that one only.
    private ulong MendBits(ulong entry, ulong wrongBits, ulong shown, Func<ulong, string> describe)
    {
        if ((entry & wrongBits) == 0 || MendsAll != true)
        {
            return entry;
        }

        report.Mend(describe(shown));
        return entry & ~wrongBits;
    }

    // The data file counts nothing: all of it belongs to the image. Without an index it is an entry of a guest's cluster.
    private ulong MendMark(ulong entry, long hostOffset, long? l1Index, ulong shown)
    {
        bool isInDataFile = l1Index is null && _geometry.HasDataFile;
        if (!pass.Window.Contains(isInDataFile ? 0 : hostOffset >> _geometry.ClusterBits))
        {
            return entry;
        }

        ulong count = isInDataFile ? 1 : CountOf(hostOffset >> _geometry.ClusterBits);
        bool isCopied = (entry & L2Entry.CopiedFlag) != 0;
        if (isCopied == (count == 1))
        {
            return entry;
        }

        if (MendsAll is null)
        {
            report.Error($"ERROR {DescribeMark(l1Index, shown, count)}");
            return entry;
        }

        if (MendsAll == false)
        {
            return isCopied == (OldCountOf!(hostOffset >> _geometry.ClusterBits) == 1) ? entry ^ L2Entry.CopiedFlag : entry;
        }

        report.Mend($"Repairing {DescribeMark(l1Index, shown, count)}");
        return entry ^ L2Entry.CopiedFlag;
    }

    private static string DescribeMark(long? l1Index, ulong entry, ulong count) =>
        l1Index is { } index ? $"OFLAG_COPIED L2 cluster: l1_index={index} l1_entry={entry:x} refcount={count}" : $"OFLAG_COPIED data cluster: l2_entry={entry:x} refcount={count}";
}
