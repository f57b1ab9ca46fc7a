using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// A number for each cluster of a file, of those few that have one beside 0: eight bytes each, in a table that is at most two thirds full. A hundred thousand clusters are two megabytes here.
/// </summary>
/// <param name="numberBits">How many bits a number has; the rest is for the cluster.</param>
internal sealed class ClusterNumbers(int numberBits)
{
    private const int CapacityBitsMin = 6;
    private const int CapacityBitsMax = 22;

    // Another one in each process, as hash codes are: an image cannot be made so that all of its clusters want the same slot. What is told of the clusters does not depend on it.
    private static readonly ulong s_multiplier = unchecked(((ulong)HashCode.Combine(CapacityBitsMax, 1) << 32) ^ (uint)HashCode.Combine(CapacityBitsMax, 2)) | 1;

    // The cluster, and below it its number; 0 for a slot that is free. One that is not in its own slot is in the next one that was free.
    private ulong[] _slots = [];
    private int _shift;

    /// <summary>The largest number.</summary>
    public ulong Max { get; } = (1UL << numberBits) - 1;

    /// <summary>How many clusters there are.</summary>
    public int Count { get; private set; }

    /// <summary>All of them, in no order.</summary>
    public IEnumerable<(long Cluster, ulong Number)> All
    {
        get
        {
            foreach (ulong slot in _slots)
            {
                if (slot != 0)
                {
                    yield return ((long)(slot >> numberBits), slot & Max);
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

    /// <summary>The number of a cluster.</summary>
    public ulong Get(long cluster) => Count == 0 ? 0 : _slots[SlotOf(cluster)] & Max;

    /// <summary>Sets the bits of <paramref name="number"/> in the number of a cluster, and clears those of <paramref name="cleared"/>.</summary>
    /// <returns>The number that it had.</returns>
    public ulong Change(long cluster, ulong number, ulong cleared)
    {
        Invariant.Check(cluster >> (63 - numberBits) == 0 && number <= Max);
        if (number == 0 && Count == 0)
        {
            return 0;
        }

        if (number != 0 && Count * 3L >= _slots.Length * 2L)
        {
            Resize(_slots.Length == 0 ? CapacityBitsMin : 65 - _shift);
        }

        int slot = SlotOf(cluster);
        ulong before = _slots[slot] & Max;
        ulong after = (before & ~cleared) | number;
        Count += (after != 0 ? 1 : 0) - (before != 0 ? 1 : 0);
        if (after != 0)
        {
            _slots[slot] = ((ulong)cluster << numberBits) | after;
        }
        else if (before != 0)
        {
            Free(slot);
        }

        return before;
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
        while (_slots[slot] != 0 && (long)(_slots[slot] >> numberBits) != cluster)
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
            int home = HomeOf((long)(_slots[next] >> numberBits));
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
                _slots[SlotOf((long)(slot >> numberBits))] = slot;
            }
        }
    }
}
