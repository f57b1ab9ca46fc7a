using BlockGraph.BlockCore.Events;

namespace BlockGraph.BlockCore.Graph;

/// <content>One write that ends beyond a limit is told, so that somebody can make the storage below larger in time.</content>
public sealed partial class BlockNode
{
    private long _writeThresholdBytes;

    /// <summary>Where a write may end without being told, in bytes; 0 for anywhere. See <see cref="NodeGraph.SetWriteThreshold"/>. <i>QEMU: block-set-write-threshold.</i></summary>
    public long WriteThresholdBytes => Volatile.Read(ref _writeThresholdBytes);

    internal void SetWriteThreshold(long thresholdBytes)
    {
        Volatile.Write(ref _writeThresholdBytes, thresholdBytes);
        Graph.BumpEpoch();
    }

    /// <summary>A write that ends at <paramref name="endBytes"/> is about to be carried out. Whoever goes beyond the threshold first takes it away and tells.</summary>
    internal void CheckWriteThreshold(long endBytes)
    {
        long threshold = WriteThresholdBytes;
        if (threshold != 0 && endBytes > threshold && Interlocked.CompareExchange(ref _writeThresholdBytes, 0, threshold) == threshold)
        {
            Graph.BumpEpoch();
            Graph.Events.Publish(new WriteThresholdExceeded(Name, endBytes - threshold, threshold));
        }
    }
}
