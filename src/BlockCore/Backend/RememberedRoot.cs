using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Backend;

/// <summary>How a backend used its last medium: what the next one is opened with unless somebody says otherwise. <i>QEMU: BlockBackendRootState.</i></summary>
/// <param name="IsReadOnly">The node refused writes.</param>
/// <param name="DetectZeroes">What it did with buffers of zeros.</param>
/// <param name="CacheDirect">It bypassed the host's page cache.</param>
/// <param name="CacheNoFlush">It ignored flushes.</param>
public sealed record RememberedRoot(bool IsReadOnly, DetectZeroesMode DetectZeroes, bool CacheDirect, bool CacheNoFlush)
{
    internal static RememberedRoot Of(BlockNode node) => new(node.IsReadOnly, node.Settings.DetectZeroes, node.Settings.CacheDirect, node.Settings.CacheNoFlush);
}
