using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Requests;

namespace BlockGraph.BlockCore.Graph;

/// <content>Whether there is anything for a flush to do, and whose turn it is to do it.</content>
public sealed partial class BlockNode
{
    private bool _hasUnflushedWrites;

    /// <summary>The flushes of this node.</summary>
    internal FlushTurns Flushes { get; } = new();

    /// <summary>True where something was written, or was tried to be, since the last flush that succeeded began.</summary>
    internal bool HasUnflushedWrites => Volatile.Read(ref _hasUnflushedWrites);

    /// <summary>
    /// A request that may have changed something is over, well or not. Called by every one of them, on any context: a plain store, and none where the mark
    /// is there already.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void MarkWritten()
    {
        if (!Volatile.Read(ref _hasUnflushedWrites))
        {
            Volatile.Write(ref _hasUnflushedWrites, true);
        }
    }

    /// <summary>Takes the mark, before the flush that it is for begins; a flush that fails puts it back.</summary>
    internal bool TakeWritten() => Interlocked.Exchange(ref _hasUnflushedWrites, false);
}
