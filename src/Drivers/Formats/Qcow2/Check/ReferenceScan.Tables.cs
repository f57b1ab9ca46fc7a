using System.Buffers.Binary;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <content>L1 and L2 tables. Each is looked at once, however many lead to it.</content>
internal sealed partial class ReferenceScan
{
    private const int StreamsAtOnce = 8;

    private readonly List<CompressedPlace> _streams = [];
    private long _nextContiguous;

    // The clusters that the table at hand leads to.
    private long _firstOfTable;
    private long _lastOfTable;

    private async Task AddTopsAsync(TableSweep tops)
    {
        _references.Reserve(metadata.Map.UsedEntryCount, metadata.Refcounts.UsedEntryCount);
        foreach (TablePiece piece in tops.Pieces())
        {
            _references.Tops.Add(piece);
            await ForEachChunkAsync(piece, "an L1 table", (hostOffset, chunk) => AddTop(hostOffset, chunk, piece));
        }
    }

    private void AddTop(long hostOffset, ReadOnlySpan<byte> chunk, TablePiece piece)
    {
        for (int i = 0; i < chunk.Length / sizeof(ulong); i++)
        {
            ulong entry = EntryAt(chunk, i);
            long table = (long)(entry & Qcow2Geometry.OffsetMask);
            if ((entry & TableMends.ReservedL1Bits) != 0)
            {
                report.Error($"ERROR found L1 entry with reserved bits set: {entry:x}");
            }

            if (table == 0 && (entry & L2Entry.CopiedFlag) != 0)
            {
                report.Error($"ERROR l1_entry={entry:x}: copied flag without an L2 table; L1 entry corrupted");
                _references.HidesReferences = true;
            }

            if (!_geometry.IsClusterStart(table))
            {
                report.Error($"ERROR l2_offset={table:x}: Table is not cluster aligned; L1 entry corrupted");
                _references.HidesReferences = true;
            }
            else if (table != 0)
            {
                MetadataKind before = _references.Kinds.Get(table >> _geometry.ClusterBits);
                if (TryAdd(table, _geometry.ClusterBytes, piece.Weight, piece.IsActive ? MetadataKind.ActiveL2 : MetadataKind.InactiveL2))
                {
                    _references.AddTable(table, before, piece.Weight, piece.IsActive ? (int)((hostOffset - Header.L1Offset) / sizeof(ulong)) + i : -1);
                }
            }
        }
    }

    private async Task AddTablesAsync()
    {
        pace.Begin(_references.TableCount + 1L);
        Ranges.Begin(_references.TableCount);
        int index = 0;
        foreach ((long table, TableUse use) in _references.ActiveTables().Concat(_references.InactiveTables()))
        {
            if (Ranges.MayTouch(index, _window) && await TryReadTableAsync(table, _geometry.ClusterBytes, "an L2 table") is { } bytes)
            {
                (_firstOfTable, _lastOfTable) = (long.MaxValue, -1);
                AddTable(bytes.Span, use);
                Ranges.Add(index, _firstOfTable, _lastOfTable);
                await InflateAsync();
            }

            index++;
            pace.Step();
        }
    }

    private void AddTable(ReadOnlySpan<byte> table, TableUse use)
    {
        for (int i = 0; i < _geometry.L2EntryCount; i++)
        {
            ReadOnlySpan<byte> bytes = table[(i * _geometry.L2EntryBytes)..];
            ulong descriptor = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            ulong bitmap = _geometry.HasSubclusters ? BinaryPrimitives.ReadUInt64BigEndian(bytes[sizeof(ulong)..]) : 0;
            if (descriptor == 0 && bitmap == 0)
            {
                continue;
            }

            if ((descriptor & L2Entry.CompressedFlag) != 0)
            {
                AddCompressed(i, descriptor, bitmap, use);
            }
            else
            {
                AddEntry(i, descriptor, bitmap, use);
            }
        }
    }

    private void AddCompressed(int index, ulong descriptor, ulong bitmap, TableUse use)
    {
        if (_geometry.HasDataFile)
        {
            report.Error($"ERROR compressed cluster {index} with data file, entry=0x{descriptor:x}");
            return;
        }

        CompressedPlace place = CompressedPlace.Of(L2Entry.OfCompressed(descriptor), _geometry);
        if ((descriptor & L2Entry.CopiedFlag) != 0)
        {
            report.Error($"ERROR: coffset=0x{place.HostOffset:x}: copied flag must never be set for compressed clusters");
        }

        if (bitmap != 0)
        {
            report.Error($"ERROR compressed cluster {index} with non-zero subcluster allocation bitmap, entry=0x{descriptor:x}");
        }

        if (use.IsActive)
        {
            report.AllocatedCount++;
            report.CompressedCount++;
            report.FragmentedCount++;
        }

        if (TryAddOfTable(place.HostOffset, place.LengthBytes, use) && ReadsData)
        {
            _streams.Add(place);
        }
    }

    private void AddEntry(int index, ulong descriptor, ulong bitmap, TableUse use)
    {
        bool isZero = !_geometry.HasSubclusters && (descriptor & L2Entry.ZeroFlag) != 0;
        long hostOffset = (long)(descriptor & Qcow2Geometry.OffsetMask);
        if ((descriptor & TableMends.ReservedL2Bits(_geometry)) != 0)
        {
            report.Error($"ERROR found l2 entry with reserved bits set: {descriptor:x}");
        }

        if (isZero && Header.Version < 3)
        {
            report.Error($"ERROR offset={hostOffset:x}: Zero cluster entry found in pre-v3 image");
        }

        bool hasCluster = hostOffset != 0 || (_geometry.HasDataFile && (descriptor & L2Entry.CopiedFlag) != 0);
        AddBitmap(hostOffset, bitmap, hasCluster);
        if (!hasCluster)
        {
            return;
        }

        if (!_geometry.IsClusterStart(hostOffset))
        {
            report.Error(isZero ? $"ERROR offset={hostOffset:x}: Preallocated cluster is not properly aligned; L2 entry corrupted."
                : $"ERROR offset={hostOffset:x}: Data cluster is not properly aligned; L2 entry corrupted.");
            _references.HidesReferences |= !isZero;
            return;
        }

        if (use.IsActive)
        {
            report.AllocatedCount++;
            report.FragmentedCount += _nextContiguous != 0 && hostOffset != _nextContiguous ? 1 : 0;
            _nextContiguous = hostOffset + _geometry.ClusterBytes;
        }

        if (!_geometry.HasDataFile)
        {
            TryAddOfTable(hostOffset, _geometry.ClusterBytes, use);
        }
        else if (hostOffset != ((use.L1Index * _geometry.L2EntryCount) + index) << _geometry.ClusterBits)
        {
            report.Error($"ERROR offset={hostOffset:x}: Data cluster does not lie in the data file where the guest has it");
        }
    }

    private bool TryAddOfTable(long hostOffset, long lengthBytes, TableUse use)
    {
        _firstOfTable = Math.Min(_firstOfTable, hostOffset >> _geometry.ClusterBits);
        _lastOfTable = Math.Max(_lastOfTable, (hostOffset + lengthBytes - 1) >> _geometry.ClusterBits);
        return TryAdd(hostOffset, lengthBytes, use.Weight, MetadataKind.None);
    }

    private void AddBitmap(long hostOffset, ulong bitmap, bool hasCluster)
    {
        uint data = (uint)(bitmap & uint.MaxValue);
        if (data != 0 && !hasCluster)
        {
            report.Error("ERROR: Unallocated cluster has non-zero subcluster allocation map");
            _references.HidesReferences = true;
        }
        else if ((data & (uint)(bitmap >> 32)) != 0)
        {
            report.Error($"ERROR offset={hostOffset:x}: Allocated cluster has corrupted subcluster allocation bitmap");
        }
    }

    // Some at once, on the workers.
    private async Task InflateAsync()
    {
        for (int first = 0; first < _streams.Count; first += StreamsAtOnce)
        {
            await Task.WhenAll(_streams.Skip(first).Take(StreamsAtOnce).Select(InflateAsync));
        }

        _streams.Clear();
    }

    private async Task InflateAsync(CompressedPlace place)
    {
        if (await TryReadAsync(place.HostOffset, place.LengthBytes, "a compressed cluster") is { } bytes)
        {
            Qcow2Compression compression = Header.Compression;
            int clusterBytes = _geometry.ClusterBytes;
            byte[] stream = bytes.ToArray();
            if (!await (AioContext.Current ?? metadata.Node.Context).RunOnWorkers(() => ClusterCompression.TryExpand(stream, new byte[clusterBytes], compression)))
            {
                report.Error($"ERROR: coffset=0x{place.HostOffset:x}: compressed cluster cannot be decompressed");
            }
        }
    }
}
