namespace BlockGraph.Tools.Bench;

/// <summary>The blocks of an image that is verified: what was last written to each. From any thread; who has claimed a block is alone with it.</summary>
internal sealed class VerifyBlocks
{
    /// <summary>The most blocks that are used; of a longer image they are spread evenly.</summary>
    public const int CountMax = 1 << 22;

    /// <summary>Writers have numbers below this.</summary>
    public const int WriterCountMax = 1 << WriterBits;

    // A state: claimed, version, zeroed, writer. 0 where nobody has written yet.
    private const int WriterBits = 14;
    private const long Claimed = long.MinValue;
    private const long Zeroed = 1L << WriterBits;
    private const int VersionShift = WriterBits + 1;

    private readonly long[] _states;
    private readonly long _strideBytes;

    /// <summary>The blocks of <paramref name="sizeBytes"/> of an image of <paramref name="lengthBytes"/>.</summary>
    public VerifyBlocks(long lengthBytes, int sizeBytes)
    {
        long count = lengthBytes / sizeBytes;
        _states = new long[Math.Min(count, CountMax)];
        _strideBytes = count / _states.Length * sizeBytes;
    }

    /// <summary>How many there are.</summary>
    public int Count => _states.Length;

    /// <summary>Claims the first block from <paramref name="index"/> on that nobody has claimed; there is one where there are no more workers than blocks.</summary>
    /// <returns>Its index.</returns>
    public int Claim(int index)
    {
        for (; ; index = index + 1 == Count ? 0 : index + 1)
        {
            long state = Volatile.Read(ref _states[index]);
            if (state >= 0 && Interlocked.CompareExchange(ref _states[index], state | Claimed, state) == state)
            {
                return index;
            }
        }
    }

    /// <summary>What was last written to a claimed block; version 0 for nothing.</summary>
    public VerifyStamp StampOf(int index)
    {
        long state = _states[index] & ~Claimed;
        return new VerifyStamp(index * _strideBytes, state >> VersionShift, (int)(state & (WriterCountMax - 1)), (state & Zeroed) != 0);
    }

    /// <summary>Gives a claimed block back, which holds <paramref name="stamp"/>.</summary>
    public void Release(int index, VerifyStamp stamp) =>
        Volatile.Write(ref _states[index], (stamp.Version << VersionShift) | (stamp.IsZero ? Zeroed : 0) | (long)stamp.Writer);
}
