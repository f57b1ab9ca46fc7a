namespace BlockGraph.BlockCore.Transactions;

/// <summary>Whether a node can be written, as it is or will be.</summary>
/// <param name="IsReadOnly">It refuses writes.</param>
/// <param name="IsInactive">The image belongs to another process for now.</param>
/// <param name="ForceShare">Every user of it shares everything.</param>
internal readonly record struct NodeAccess(bool IsReadOnly, bool IsInactive, bool ForceShare)
{
    /// <summary>True where a read-write user may come.</summary>
    public bool IsWritable => !IsReadOnly && !IsInactive;
}
