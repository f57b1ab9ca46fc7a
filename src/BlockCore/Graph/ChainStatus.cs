using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Graph;

/// <summary>What is known of a range of a chain: the first layer that has it, from the top down. <i>QEMU: bdrv_block_status_above().</i></summary>
/// <param name="Status">What that layer says; without an allocated range, what the last layer says that was asked.</param>
/// <param name="Node">The layer. Where <see cref="BlockStatus.HostChild"/> is null, its own offset is meant.</param>
/// <param name="Depth">How many layers were asked, filters included: 1 where the top has it.</param>
public readonly record struct ChainStatus(BlockStatus Status, BlockNode Node, int Depth)
{
    /// <summary>True where the layer ends before the range, which is zeros for that reason alone: nobody has it.</summary>
    public bool IsBehindEnd { get; init; }
}
