namespace BlockGraph.BlockCore.Permissions;

/// <summary>What one user of a node needs, and what it tolerates from the node's other users. <i>QEMU: perm and shared_perm.</i></summary>
/// <param name="Required">The bits the user needs.</param>
/// <param name="Shared">The bits that others may have.</param>
public readonly record struct PermissionSet(BlockPermissions Required, BlockPermissions Shared)
{
    /// <summary>Needs nothing and tolerates everything: the cumulative set of a node without users.</summary>
    public static PermissionSet Unused { get; } = new(BlockPermissions.None, BlockPermissions.All);

    /// <summary>The bits that this user needs and <paramref name="other"/> does not tolerate.</summary>
    public BlockPermissions ConflictsWith(PermissionSet other) => Required & ~other.Shared;

    /// <summary>What both users together need, and what both tolerate.</summary>
    public PermissionSet CombineWith(PermissionSet other) => new(Required | other.Required, Shared & other.Shared);

    /// <summary>True where this asks for no more and shares no less than <paramref name="other"/>.</summary>
    public bool IsNoStricterThan(PermissionSet other) => (Required & ~other.Required) == 0 && (other.Shared & ~Shared) == 0;
}
