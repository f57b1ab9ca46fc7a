using System.Numerics;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>A block of reference counts as it is to be, and which of its clusters the file still has in use.</summary>
internal sealed class RefcountDraftBlock(int index, Memory<byte> counts)
{
    private ulong[] _used = [];
    private ulong[] _freed = [];

    /// <summary>Which block of the table it is.</summary>
    public int Index { get; } = index;

    /// <summary>Its bytes; none while it is not in memory.</summary>
    public Memory<byte> Counts { get; set; } = counts;

    /// <summary>It is in memory.</summary>
    public bool IsLoaded => !Counts.IsEmpty;

    /// <summary>It was used since it was last thought of giving it up.</summary>
    public bool WasTouched { get; set; }

    /// <summary>What is in memory was not written yet.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Where it lies in the file now; 0 for nowhere.</summary>
    public long OldHostOffset { get; set; }

    /// <summary>Where it is to lie; 0 while that is open.</summary>
    public long HostOffset { get; set; }

    /// <summary>It differs from the file's, so that it needs a place of its own.</summary>
    public bool IsChanged { get; set; }

    /// <summary>True where the image that is in force uses the cluster that is counted at <paramref name="index"/>.</summary>
    public bool WasUsed(long index) => (_used[index >> 6] & (1UL << (int)(index & 63))) != 0;

    /// <summary>Remembers which counts are not 0 now.</summary>
    public void RememberUsed(int order)
    {
        int count = (Counts.Length * 8) >> order;
        _used = new ulong[(count + 63) / 64];
        ReadOnlySpan<byte> bytes = Counts.Span;
        for (int i = RefcountBits.IndexOfUsed(bytes, 0, count, order); i < count; i = RefcountBits.IndexOfUsed(bytes, i + 1, count, order))
        {
            _used[i >> 6] |= 1UL << (i & 63);
        }
    }

    /// <summary>Remembers that the count at <paramref name="index"/> has become 0, or another.</summary>
    public void NoteChange(int index, bool isFree)
    {
        if (isFree && WasUsed(index))
        {
            _freed = _freed.Length == 0 ? new ulong[_used.Length] : _freed;
            _freed[index >> 6] |= 1UL << (index & 63);
        }
        else if (_freed.Length > 0)
        {
            _freed[index >> 6] &= ~(1UL << (index & 63));
        }
    }

    /// <summary>The first index from <paramref name="index"/> on of a cluster that was used, and is not to be; -1 where there is none.</summary>
    public int NextFreed(int index)
    {
        ulong mask = ulong.MaxValue << (index & 63);
        for (int word = index >> 6; word < _freed.Length; word++, mask = ulong.MaxValue)
        {
            if ((_freed[word] & mask) is not 0 and ulong bits)
            {
                return (word << 6) + BitOperations.TrailingZeroCount(bits);
            }
        }

        return -1;
    }
}
