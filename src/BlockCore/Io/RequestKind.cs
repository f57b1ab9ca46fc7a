namespace BlockGraph.BlockCore.Io;

/// <summary>What a request does; an index into per-kind counters.</summary>
public enum RequestKind
{
    /// <summary>Data flows to the caller.</summary>
    Read,

    /// <summary>Data flows from the caller.</summary>
    Write,

    /// <summary>A range is made to read as zeros.</summary>
    WriteZeroes,

    /// <summary>A range's contents are no longer needed.</summary>
    Discard,

    /// <summary>Completed writes become durable.</summary>
    Flush,
}

/// <summary>The kinds as a whole.</summary>
public static class RequestKinds
{
    /// <summary>How many kinds there are.</summary>
    public const int Count = (int)RequestKind.Flush + 1;
}
