namespace BlockGraph.TestKit.Cow;

/// <summary>What the table says of one cluster: eight bytes, big-endian.</summary>
/// <remarks>
/// <code>
///   0            not allocated: the backing node has it, or nobody, and then it reads as zeros
///   1            reads as zeros
///   offset       lies at that offset of the file, a multiple of the cluster's length
///   offset + 1   reads as zeros; what it is written to next lies at that offset already
/// </code>
/// A cluster of the file that was taken stays with its entry for good: it never comes to serve another, so that a late write does no harm.
/// </remarks>
/// <param name="Value">The eight bytes.</param>
public readonly record struct CowEntry(long Value)
{
    /// <summary>The length of an entry, in bytes.</summary>
    public const int Size = 8;

    private const long ZeroBit = 1;

    /// <summary>Not allocated.</summary>
    public static CowEntry Unallocated => default;

    /// <summary>Reads as zeros, and has no cluster of the file.</summary>
    public static CowEntry Zero => new(ZeroBit);

    /// <summary>Contradicts the image: only a check may touch it. Never stored.</summary>
    public static CowEntry Corrupt => new(long.MinValue + ZeroBit);

    /// <summary>True where this layer says nothing of the cluster.</summary>
    public bool IsUnallocated => Value == 0;

    /// <summary>True where the cluster reads as zeros.</summary>
    public bool IsZero => (Value & ZeroBit) != 0 && !IsCorrupt;

    /// <summary>True where the cluster lies in the file.</summary>
    public bool IsData => Value > 0 && (Value & ZeroBit) == 0;

    /// <summary>True where the entry contradicts the image.</summary>
    public bool IsCorrupt => Value < 0;

    /// <summary>True where a cluster of the file belongs to the entry.</summary>
    public bool HasCluster => Value > ZeroBit;

    /// <summary>Where that lies in the file, in bytes.</summary>
    public long HostOffset => Value & ~ZeroBit;

    /// <summary>The entry of data at <paramref name="hostOffset"/>.</summary>
    public static CowEntry At(long hostOffset) => new(hostOffset);

    /// <summary>The same, reading as zeros.</summary>
    public CowEntry Zeroed() => new(Value | ZeroBit);
}
