using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// Which structures lie in each cluster of a file, of those few that hold any: eight bytes each, in a table that is at most two thirds full. A hundred thousand tables
/// of an image are two megabytes here.
/// </summary>
internal sealed class ClusterKinds
{
    private const int KindBits = 9;
    private const ulong KindMask = (1UL << KindBits) - 1;
    private const int CapacityBitsMin = 6;
    private const int CapacityBitsMax = 22;

    // Another one in each process, as hash codes are: an image cannot be made so that all of its clusters want the same slot. What is told of the clusters does not depend on it.
    private static readonly ulong s_multiplier = unchecked(((ulong)HashCode.Combine(KindBits, 1) << 32) ^ (uint)HashCode.Combine(KindBits, 2)) | 1;

    // The cluster, and below it its kinds; 0 for a slot that is free. One that is not in its own slot is in the next one that was free.
    private ulong[] _slots = [];
    private int _shift;

    /// <summary>How many clusters there are.</summary>
    public int Count { get; private set; }

    /// <summary>All of them, in no order.</summary>
    public IEnumerable<(long Cluster, MetadataKind Kinds)> All
    {
        get
        {
            foreach (ulong slot in _slots)
            {
                if (slot != 0)
                {
                    yield return ((long)(slot >> KindBits), (MetadataKind)(slot & KindMask));
                }
            }
        }
    }

    /// <summary>So many clusters are about to come, at most: a table that grows with them takes half as much again for a moment.</summary>
    public void Reserve(long countMax)
    {
        int bits = CapacityBitsMin;
        while (bits < CapacityBitsMax && (1L << bits) * 2 < (Count + countMax) * 3)
        {
            bits++;
        }

        if (1 << bits > _slots.Length)
        {
            Resize(bits);
        }
    }

    /// <summary>What lies in a cluster.</summary>
    public MetadataKind Get(long cluster) => Count == 0 ? MetadataKind.None : (MetadataKind)(_slots[SlotOf(cluster)] & KindMask);

    /// <summary>Something lies in a cluster, beside what is there.</summary>
    /// <returns>What was there before.</returns>
    public MetadataKind Add(long cluster, MetadataKind kind)
    {
        Invariant.Check(cluster >> (64 - KindBits - 1) == 0 && kind != MetadataKind.None);
        if (Count * 3L >= _slots.Length * 2L)
        {
            Resize(_slots.Length == 0 ? CapacityBitsMin : 65 - _shift);
        }

        int slot = SlotOf(cluster);
        MetadataKind before = (MetadataKind)(_slots[slot] & KindMask);
        Count += _slots[slot] == 0 ? 1 : 0;
        _slots[slot] = ((ulong)cluster << KindBits) | (ulong)(before | kind);
        return before;
    }

    /// <summary>It does not any more.</summary>
    public void Remove(long cluster, MetadataKind kind)
    {
        if (Count == 0)
        {
            return;
        }

        int slot = SlotOf(cluster);
        ulong left = _slots[slot] & KindMask & ~(ulong)kind;
        if (left != 0)
        {
            _slots[slot] = ((ulong)cluster << KindBits) | left;
        }
        else if (_slots[slot] != 0)
        {
            Count--;
            Free(slot);
        }
    }

    /// <summary>Forgets everything. The room stays.</summary>
    public void Clear()
    {
        Array.Clear(_slots);
        Count = 0;
    }

    // Where the cluster is, or the free slot that it would get.
    private int SlotOf(long cluster)
    {
        int slot = HomeOf(cluster);
        while (_slots[slot] != 0 && (long)(_slots[slot] >> KindBits) != cluster)
        {
            slot = (slot + 1) & (_slots.Length - 1);
        }

        return slot;
    }

    private int HomeOf(long cluster) => (int)(unchecked((ulong)cluster * s_multiplier) >> _shift);

    // Whoever is behind it because it was taken moves up: a search ends at the first free slot.
    private void Free(int slot)
    {
        int mask = _slots.Length - 1;
        for (int next = (slot + 1) & mask; _slots[next] != 0; next = (next + 1) & mask)
        {
            int home = HomeOf((long)(_slots[next] >> KindBits));
            if (((next - home) & mask) >= ((next - slot) & mask))
            {
                _slots[slot] = _slots[next];
                slot = next;
            }
        }

        _slots[slot] = 0;
    }

    private void Resize(int bits)
    {
        ulong[] old = _slots;
        _slots = new ulong[1 << bits];
        _shift = 64 - bits;
        foreach (ulong slot in old)
        {
            if (slot != 0)
            {
                _slots[SlotOf((long)(slot >> KindBits))] = slot;
            }
        }
    }
}
