using System.Buffers.Binary;
using System.Numerics;

namespace BlockGraph.TestKit.Cow;

/// <summary>The table of a <c>cow</c> image as it is kept in memory: for each cluster of the image, where it lies.</summary>
internal sealed class CowTable
{
    private readonly CowEntry[] _entries;
    private readonly int _clusterBits;

    /// <summary>The table of <paramref name="header"/> as its bytes say; what cannot be is <see cref="CowEntry.Corrupt"/>.</summary>
    /// <param name="header">The header.</param>
    /// <param name="bytes">The table's bytes.</param>
    /// <param name="endOffset">Where the file's last cluster ends, in bytes.</param>
    public CowTable(in CowHeader header, ReadOnlySpan<byte> bytes, long endOffset)
    {
        _clusterBits = BitOperations.Log2((uint)header.ClusterBytes);
        _entries = new CowEntry[header.EntryCount];
        for (int i = 0; i < _entries.Length; i++)
        {
            _entries[i] = Read(bytes, i, header, endOffset);
        }

        Sharing = FindSharing();
    }

    /// <summary>How many entries there are.</summary>
    public int Count => _entries.Length;

    /// <summary>Two entries that lead to one cluster of the file: writing one would change the other. Null where there are none.</summary>
    public (int First, int Second)? Sharing { get; }

    /// <summary>The entry of a cluster.</summary>
    public CowEntry this[int cluster]
    {
        get => _entries[cluster];
        set => _entries[cluster] = value;
    }

    /// <summary>The cluster that holds <paramref name="offset"/>.</summary>
    public int ClusterOf(long offset) => (int)(offset >> _clusterBits);

    /// <summary>Where a range lies in the file, if all of it lies there in one piece. The path of every read: it allocates nothing.</summary>
    public bool TryMap(long offset, int length, out long hostOffset)
    {
        long first = offset >> _clusterBits;
        long last = (offset + length - 1) >> _clusterBits;
        hostOffset = 0;
        if (length == 0 || last >= _entries.Length || !_entries[first].IsData)
        {
            return false;
        }

        long entry = _entries[first].Value;
        for (long cluster = first + 1; cluster <= last; cluster++)
        {
            if (_entries[cluster].Value != entry + ((cluster - first) << _clusterBits))
            {
                return false;
            }
        }

        hostOffset = entry + (offset & ((1L << _clusterBits) - 1));
        return true;
    }

    /// <summary>How far the clusters from <paramref name="offset"/> on are of one kind, and in one piece where they are data: at most <paramref name="length"/> bytes.</summary>
    public long RunLength(long offset, long length)
    {
        int first = ClusterOf(offset);
        int next = first + 1;
        while (((long)next << _clusterBits) < offset + length && Continues(first, next))
        {
            next++;
        }

        return Math.Min(((long)next << _clusterBits) - offset, length);
    }

    /// <summary>The entry at <paramref name="index"/> of a table's bytes; what cannot be is <see cref="CowEntry.Corrupt"/>.</summary>
    public static CowEntry Read(ReadOnlySpan<byte> bytes, int index, in CowHeader header, long endOffset)
    {
        CowEntry entry = new(BinaryPrimitives.ReadInt64BigEndian(bytes[(index * CowEntry.Size)..]));
        if (!entry.HasCluster)
        {
            // A zero beyond the image's end is what a growth that was not finished has left: it does no harm.
            return entry.IsCorrupt ? CowEntry.Corrupt : entry;
        }

        bool isBeyondEnd = (long)index * header.ClusterBytes >= header.LengthBytes;
        bool isOutside = entry.HostOffset < header.DataOffset || entry.HostOffset >= endOffset;
        return isBeyondEnd || isOutside || entry.HostOffset % header.ClusterBytes != 0 ? CowEntry.Corrupt : entry;
    }

    private bool Continues(int first, int next)
    {
        CowEntry a = _entries[first];
        CowEntry b = _entries[next];
        return a.IsData
            ? b.Value == a.Value + ((long)(next - first) << _clusterBits)
            : a.IsUnallocated == b.IsUnallocated && a.IsZero == b.IsZero && a.IsCorrupt == b.IsCorrupt && !b.IsData;
    }

    private (int First, int Second)? FindSharing()
    {
        Dictionary<long, int> users = [];
        for (int i = 0; i < _entries.Length; i++)
        {
            if (_entries[i].HasCluster && !users.TryAdd(_entries[i].HostOffset, i))
            {
                return (users[_entries[i].HostOffset], i);
            }
        }

        return null;
    }
}
