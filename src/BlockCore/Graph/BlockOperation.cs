namespace BlockGraph.BlockCore.Graph;

/// <summary>What may be done to a node as a whole; whoever uses the node can block each with a reason. <i>QEMU: BlockOpType.</i></summary>
public enum BlockOperation
{
    /// <summary>Be the source of a backup.</summary>
    BackupSource,

    /// <summary>Be the target of a backup.</summary>
    BackupTarget,

    /// <summary>Get another medium.</summary>
    Change,

    /// <summary>Be the source of a commit.</summary>
    CommitSource,

    /// <summary>Be the target of a commit.</summary>
    CommitTarget,

    /// <summary>Lose its medium.</summary>
    Eject,

    /// <summary>Get an overlay.</summary>
    ExternalSnapshot,

    /// <summary>Keep a snapshot in itself.</summary>
    InternalSnapshot,

    /// <summary>Lose a snapshot kept in itself.</summary>
    InternalSnapshotDelete,

    /// <summary>Be the source of a mirror.</summary>
    MirrorSource,

    /// <summary>Be the target of a mirror.</summary>
    MirrorTarget,

    /// <summary>Get another length.</summary>
    Resize,

    /// <summary>Be populated from what is below it.</summary>
    Stream,

    /// <summary>Be replaced by another node.</summary>
    Replace,

    /// <summary>Be removed.</summary>
    Remove,
}
