namespace BlockGraph.BlockCore.Graph;

/// <summary>One reason why some operations on a node are not possible now.</summary>
/// <param name="Reason">The words that follow <c>Node 'X' is busy: </c>.</param>
/// <param name="Exceptions">The operations that stay possible.</param>
internal sealed record OperationBlocker(string Reason, IReadOnlySet<BlockOperation> Exceptions)
{
    /// <summary>What stays possible on a backing node.</summary>
    private static readonly HashSet<BlockOperation> s_onBacking =
        [BlockOperation.CommitTarget, BlockOperation.Stream, BlockOperation.BackupSource, BlockOperation.BackupTarget];

    /// <summary>The node supplies the data that <paramref name="overlay"/> has not.</summary>
    public static OperationBlocker ForBacking(BlockNode overlay) => new($"node is used as backing hd of '{overlay.Name}'", s_onBacking);

    public bool Blocks(BlockOperation operation) => !Exceptions.Contains(operation);
}
