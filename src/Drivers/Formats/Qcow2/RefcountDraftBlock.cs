namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>A block of reference counts as it is to be, and which of its clusters the file still has in use.</summary>
internal sealed class RefcountDraftBlock(int index, Memory<byte> counts)
{
    private ulong[] _used = [];

    /// <summary>Which block of the table it is.</summary>
    public int Index { get; } = index;

    /// <summary>Its bytes.</summary>
    public Memory<byte> Counts { get; } = counts;

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
        for (int i = 0; i < count; i++)
        {
            if (RefcountBits.Get(bytes, i, order) != 0)
            {
                _used[i >> 6] |= 1UL << (i & 63);
            }
        }
    }
}
