using System.Buffers.Binary;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit.Cow;

/// <summary>Header and table of one open <c>cow</c> image, in memory and in the file, and the order in which the two follow each other.</summary>
/// <remarks>
/// Invariants: (1) data is durable before an entry that leads to it is written; (2) what is in memory is in the file, or among the unwritten
/// clusters; (3) the file says that it is dirty before anything else of it changes; (4) a failed change leaves memory as it was; the file then
/// has the old bytes or the new ones, and both are right.
/// </remarks>
internal sealed class CowMetadata(BlockChild file)
{
    private readonly CoMutex _headerChange = new();
    private readonly CoMutex _writeBack = new();

    // Changed in memory, in the order of changing; the file has older entries.
    private List<int> _unwritten = [];

    // Taken, and nobody was ever told of them.
    private readonly Stack<long> _spare = [];
    private CowTable? _table;

    // It was clean until this open changed it.
    private bool _hasMarked;
    private long _endOffset;

    /// <summary>The header, as in the file.</summary>
    public CowHeader Header { get; private set; }

    /// <summary>The table, which may be ahead of the file's.</summary>
    public CowTable Table => _table ?? throw new InvalidOperationException("the image is not loaded yet");

    /// <summary>Where the last cluster taken ends in the file, in bytes.</summary>
    public long EndOffset => _endOffset;

    /// <summary>Entries are written at the next flush; otherwise at once.</summary>
    public bool IsLazy { get; set; }

    /// <summary>Reads everything anew.</summary>
    /// <exception cref="BlockException">It is no image, or reading fails. What was in memory stays.</exception>
    public async Task LoadAsync(CancellationToken cancel)
    {
        if (file.LengthBytes < CowHeader.Size)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"The file of {file.LengthBytes} bytes is shorter than a cow header");
        }

        byte[] head = new byte[CowHeader.Size];
        await file.ReadAsync(0, head, RequestFlags.None, cancel);
        if (!CowHeader.TryParse(head, out CowHeader header, out BlockException? refusal))
        {
            throw refusal;
        }

        long endOffset = Math.Max(header.DataOffset, header.RoundUp(file.LengthBytes));
        CowTable table = new(header, await ReadTableAsync(header, cancel), endOffset);
        (Header, _table, _endOffset) = (header, table, endOffset);
        _unwritten = [];
        _spare.Clear();
        _hasMarked = false;
    }

    /// <summary>Reads the table as it is in the file.</summary>
    public async Task<byte[]> ReadTableAsync(CowHeader header, CancellationToken cancel)
    {
        byte[] bytes = new byte[header.EntryCount * CowEntry.Size];
        await file.ReadAsync(CowHeader.Size, bytes, RequestFlags.None, cancel);
        return bytes;
    }

    /// <summary>Takes a cluster of the file.</summary>
    public long Take()
    {
        if (_spare.TryPop(out long offset))
        {
            return offset;
        }

        offset = _endOffset;
        _endOffset += Header.ClusterBytes;
        return offset;
    }

    /// <summary>Gives back a cluster that no entry was ever to lead to.</summary>
    public void GiveBack(long offset) => _spare.Push(offset);

    /// <summary>Says in the file that it is in use, where it does not say so yet.</summary>
    public async ValueTask MarkDirtyAsync()
    {
        if (!Header.IsDirty)
        {
            _hasMarked = true;
            await ChangeHeaderAsync(static header => header with { IsDirty = true });
        }
    }

    /// <summary>Writes everything that is only in memory, then that there is nothing to look for; but what was not clean before stays so until a check.</summary>
    public async ValueTask CleanAsync()
    {
        await WriteBackAsync();
        if (_hasMarked)
        {
            await MarkCleanAsync();
        }
    }

    /// <summary>Says in the file that there is nothing to look for. What there is is written already, and durable before.</summary>
    public async ValueTask MarkCleanAsync()
    {
        await file.FlushAsync(CancellationToken.None);
        await ChangeHeaderAsync(static header => header with { IsDirty = false });
        await file.FlushAsync(CancellationToken.None);
        _hasMarked = false;
    }

    /// <summary>Changes the header, in the file and then in memory. Changes come one after the other.</summary>
    public async ValueTask ChangeHeaderAsync(Func<CowHeader, CowHeader> change)
    {
        await _headerChange.EnterAsync();
        try
        {
            CowHeader changed = change(Header);
            if (changed == Header)
            {
                return;
            }

            if (changed.NameSlot != Header.NameSlot && changed.GetNameBytes() is { Length: > 0 } names)
            {
                // The slot that does not hold: durable before the sector that makes it hold.
                await file.WriteAsync(changed.NameOffset, names, RequestFlags.None, CancellationToken.None);
                await file.FlushAsync(CancellationToken.None);
            }

            byte[] sector = new byte[CowHeader.SectorBytes];
            changed.WriteTo(sector);
            await file.WriteAsync(0, sector, RequestFlags.None, CancellationToken.None);
            Header = changed;
        }
        finally
        {
            _headerChange.Exit();
        }
    }

    /// <summary>Gives a cluster another entry. What that leads to has been written already. The caller has the cluster to itself.</summary>
    public async ValueTask SetAsync(int cluster, CowEntry entry)
    {
        await MarkDirtyAsync();
        if (!IsLazy)
        {
            await file.FlushAsync(CancellationToken.None);
            await WriteEntryAsync(cluster, entry);
        }
        else
        {
            _unwritten.Add(cluster);
        }

        Table[cluster] = entry;
    }

    /// <summary>Forgets every entry, and cuts off what they led to. The node is drained.</summary>
    public async Task EmptyAsync()
    {
        for (int cluster = 0; cluster < Table.Count; cluster++)
        {
            if (!Table[cluster].IsUnallocated)
            {
                await SetAsync(cluster, CowEntry.Unallocated);
            }
        }

        await WriteBackAsync();
        await file.FlushAsync(CancellationToken.None);
        await file.WriteLengthAsync(Header.DataOffset, isExact: true, PreallocationMode.Off, RequestFlags.None, CancellationToken.None);
        _spare.Clear();
        _endOffset = Header.DataOffset;
    }

    /// <summary>Writes the entries that are only in memory. One after the other: an entry's last value is written last.</summary>
    public async ValueTask WriteBackAsync()
    {
        if (_unwritten.Count == 0 && !_writeBack.IsHeld)
        {
            return;
        }

        await _writeBack.EnterAsync();
        try
        {
            List<int> clusters = _unwritten;
            _unwritten = [];
            (int Cluster, CowEntry Entry)[] changes = [.. clusters.Distinct().Order().Select(cluster => (cluster, Table[cluster]))];
            try
            {
                if (changes.Length > 0)
                {
                    await file.FlushAsync(CancellationToken.None);
                }

                foreach ((int cluster, CowEntry entry) in changes)
                {
                    await WriteEntryAsync(cluster, entry);
                }
            }
            catch
            {
                _unwritten.AddRange(clusters);
                throw;
            }
        }
        finally
        {
            _writeBack.Exit();
        }
    }

    private ValueTask WriteEntryAsync(int cluster, CowEntry entry)
    {
        byte[] bytes = new byte[CowEntry.Size];
        BinaryPrimitives.WriteInt64BigEndian(bytes, entry.Value);
        return file.WriteAsync(CowHeader.Size + ((long)cluster * CowEntry.Size), bytes, RequestFlags.None, CancellationToken.None);
    }
}
