namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// Work that a layer does after its child's operation, without an await: it runs before the awaiter, innermost layer first,
/// and sees the error unthrown.
/// </summary>
internal abstract class CompletionHook
{
    internal CompletionHook? NextHook;

    /// <summary>The operation is over; <paramref name="error"/> is null where it succeeded.</summary>
    protected internal abstract void OnOperationDone(Exception? error);
}
