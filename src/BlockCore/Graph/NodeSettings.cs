namespace BlockGraph.BlockCore.Graph;

/// <summary>What a node does with buffers of zeros. <i>QEMU: BlockdevDetectZeroesOptions.</i></summary>
public enum DetectZeroesMode
{
    /// <summary>Writes them as data.</summary>
    Off,

    /// <summary>Turns them into zero writes.</summary>
    On,

    /// <summary>Turns them into zero writes that may deallocate.</summary>
    Unmap,
}

/// <summary>The generic options of one node, as given, inherited or defaulted.</summary>
public sealed record NodeSettings
{
    /// <summary>Bypass the host's page cache.</summary>
    public bool CacheDirect { get; init; }

    /// <summary>Ignore flushes.</summary>
    public bool CacheNoFlush { get; init; }

    /// <summary>Open the storage read-only.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Fall back to read-only where writing is not possible.</summary>
    public bool AutoReadOnly { get; init; }

    /// <summary>What to do with buffers of zeros.</summary>
    public DetectZeroesMode DetectZeroes { get; init; }

    /// <summary>Pass discards on.</summary>
    public bool DiscardUnmap { get; init; }

    /// <summary>Share every permission with everybody; needs read-only.</summary>
    public bool ForceShare { get; init; }
}
