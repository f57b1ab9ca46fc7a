namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What a check of an image may mend.</summary>
[Flags]
public enum ImageRepairs
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Space that is taken and not used.</summary>
    Leaks = 1,

    /// <summary>Metadata that contradicts itself.</summary>
    Errors = 2,
}

/// <summary>What a check of an image found. <i>QEMU: BdrvCheckResult.</i></summary>
public sealed record ImageCheck
{
    /// <summary>How many errors there are that may destroy data.</summary>
    public long CorruptionCount { get; init; }

    /// <summary>How many clusters are taken and not used.</summary>
    public long LeakCount { get; init; }

    /// <summary>How many places could not be checked.</summary>
    public long UncheckedCount { get; init; }

    /// <summary>How many errors were mended.</summary>
    public long MendedCorruptionCount { get; init; }

    /// <summary>How many leaks were mended.</summary>
    public long MendedLeakCount { get; init; }

    /// <summary>How many clusters the guest has; null where the format does not count them.</summary>
    public long? TotalClusterCount { get; init; }

    /// <summary>How many of them have a place in the image; null where the format does not count them.</summary>
    public long? AllocatedClusterCount { get; init; }

    /// <summary>How many of these are compressed; null where the format does not count them.</summary>
    public long? CompressedClusterCount { get; init; }

    /// <summary>How many do not lie behind the one that the guest has before them; null where the format does not count them.</summary>
    public long? FragmentedClusterCount { get; init; }

    /// <summary>Where the last cluster that is used ends, in bytes; null where the format does not know.</summary>
    public long? EndOffset { get; init; }

    /// <summary>True where nothing is wrong.</summary>
    public bool IsClean => CorruptionCount == 0 && LeakCount == 0 && UncheckedCount == 0;
}
