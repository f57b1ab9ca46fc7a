namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>Numbers of so many clusters that lie together: of two bits each until one of them is larger than 3, then of as many bytes as the largest needs.</summary>
/// <param name="lengthBits">The binary logarithm of how many clusters there are.</param>
internal sealed class CountPage(int lengthBits)
{
    // What an object, an array and its place in a dictionary take beside the numbers.
    private const int OverheadBytes = 120;

    // Binary logarithms of widths in bits.
    private const int NarrowOrder = 1;
    private const int ByteOrder = 3;
    private const int WideOrder = 6;

    /// <summary>The binary logarithm of how many bits a number has.</summary>
    public int Order { get; private set; } = NarrowOrder;

    /// <summary>The numbers.</summary>
    public byte[] Numbers { get; private set; } = new byte[(1 << lengthBits) >> (3 - NarrowOrder)];

    /// <summary>Others have it, too: it is not changed any more.</summary>
    public bool IsShared { get; set; }

    /// <summary>How much memory it takes.</summary>
    public long MemoryBytes => Numbers.Length + OverheadBytes;

    /// <summary>One with the same numbers that can be changed.</summary>
    public CountPage Copy() => new(lengthBits) { Order = Order, Numbers = [.. Numbers] };

    /// <summary>All numbers are the same in both, if that is seen at once.</summary>
    public bool IsSame(CountPage other) => ReferenceEquals(this, other) || (Order == other.Order && Numbers.AsSpan().SequenceEqual(other.Numbers));

    /// <summary>Makes the numbers as wide as one needs that is about to come.</summary>
    public void MakeRoomFor(ulong count)
    {
        int order = count <= 3 ? NarrowOrder : ByteOrder;
        while (order < WideOrder && count >> (1 << order) != 0)
        {
            order++;
        }

        if (order <= Order)
        {
            return;
        }

        byte[] wider = new byte[1L << lengthBits << order >> 3];
        for (int i = 0; i < 1 << lengthBits; i++)
        {
            RefcountBits.Set(wider, i, order, RefcountBits.Get(Numbers, i, Order));
        }

        Order = order;
        Numbers = wider;
    }

    /// <summary>The index of the last number that is not 0; -1 for none.</summary>
    public int LastUsed()
    {
        int last = Numbers.AsSpan().LastIndexOfAnyExcept((byte)0);
        int index = last < 0 ? -1 : (int)((((last + 1L) << 3) - 1) >> Order);
        while (index >= 0 && RefcountBits.Get(Numbers, index, Order) == 0)
        {
            index--;
        }

        return index;
    }
}
