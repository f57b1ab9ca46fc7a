namespace BlockGraph.TestKit;

/// <summary>What storage is asked to do.</summary>
public enum StorageCall
{
    /// <summary>Read.</summary>
    Read,

    /// <summary>Write.</summary>
    Write,

    /// <summary>Make a range read as zeros.</summary>
    WriteZeroes,

    /// <summary>Let go of a range.</summary>
    Discard,

    /// <summary>Make what is written durable.</summary>
    Flush,

    /// <summary>Get another length.</summary>
    SetLength,

    /// <summary>Say what is known of a range.</summary>
    GetStatus,
}
