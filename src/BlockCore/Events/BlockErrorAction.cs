namespace BlockGraph.BlockCore.Events;

/// <summary>What was done about a request that failed. <i>QEMU: BlockErrorAction.</i></summary>
public enum BlockErrorAction
{
    /// <summary>Whoever sent it gets the error.</summary>
    Report,

    /// <summary>Nothing.</summary>
    Ignore,

    /// <summary>Whoever sent it rests until a user has mended what was wrong.</summary>
    Stop,
}
