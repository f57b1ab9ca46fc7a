namespace BlockGraph.BlockCore.Errors;

/// <summary>What a device or a job is told to do about requests that fail. <i>QEMU: BlockdevOnError.</i></summary>
public enum BlockErrorPolicy
{
    /// <summary>The failure goes to whoever made the request.</summary>
    Report,

    /// <summary>The request counts as done.</summary>
    Ignore,

    /// <summary>Everything stops; the request is made again when it goes on.</summary>
    Stop,

    /// <summary>Stop where the storage is full, report anything else.</summary>
    Enospc,

    /// <summary>Report for reads, <see cref="Enospc"/> for anything else.</summary>
    Auto,
}

/// <summary>What a policy means for one failure.</summary>
public static class BlockErrorPolicyExtensions
{
    /// <summary>What to do where a request has failed with <paramref name="error"/>.</summary>
    public static BlockErrorAction ActionFor(this BlockErrorPolicy policy, bool isRead, BlockErrorKind error) => policy switch
    {
        BlockErrorPolicy.Ignore => BlockErrorAction.Ignore,
        BlockErrorPolicy.Stop => BlockErrorAction.Stop,
        BlockErrorPolicy.Enospc when error == BlockErrorKind.NoSpace => BlockErrorAction.Stop,
        BlockErrorPolicy.Auto when error == BlockErrorKind.NoSpace && !isRead => BlockErrorAction.Stop,
        _ => BlockErrorAction.Report,
    };

    /// <summary>True where some failure would stop.</summary>
    public static bool CanStop(this BlockErrorPolicy policy, bool isRead) => policy.ActionFor(isRead, BlockErrorKind.NoSpace) == BlockErrorAction.Stop;
}
