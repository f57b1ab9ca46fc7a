using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Permissions;

/// <summary>
/// What a driver is asked when permissions are computed: what its node needs of one child, given what the node's own users need together. Everything
/// that the answer may depend on is here, as it will be after the change in hand: the graph itself may still be the old one.
/// </summary>
/// <param name="Child">The edge; its permissions and its node may still be the old ones.</param>
/// <param name="ChildNode">The node that the edge leads to.</param>
/// <param name="Users">What all users of the parent need, and what all tolerate.</param>
/// <param name="IsParentWritable">The parent is neither read-only nor inactive.</param>
/// <param name="IsParentInactive">The parent's image belongs to another process for now.</param>
public readonly record struct ChildPermissionRequest(
    BlockChild Child, BlockNode ChildNode, PermissionSet Users, bool IsParentWritable, bool IsParentInactive)
{
    /// <summary>What the child is to the parent.</summary>
    public ChildRole Role => Child.Role;

    /// <summary>The answer that follows from the role alone: what most drivers say. <i>QEMU: bdrv_default_perms().</i></summary>
    public PermissionSet Default =>
        (Role & ChildRole.Cow) != 0 ? ForCow()
        : (Role & (ChildRole.Data | ChildRole.Metadata)) != 0 ? ForStorage()
        : Users;

    private PermissionSet ForCow()
    {
        BlockPermissions shared = BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged;
        if ((Users.Shared & BlockPermissions.Write) != 0 || IsParentInactive)
        {
            shared |= BlockPermissions.Write | BlockPermissions.Resize;
        }

        return new PermissionSet(Users.Required & BlockPermissions.ConsistentRead, shared);
    }

    private PermissionSet ForStorage()
    {
        (BlockPermissions required, BlockPermissions shared) = Users;
        if ((Role & ChildRole.Metadata) != 0)
        {
            // Metadata may be written even while nobody writes data.
            if (IsParentWritable)
            {
                required |= BlockPermissions.Write | BlockPermissions.Resize;
            }

            required |= BlockPermissions.ConsistentRead;
            shared &= ~(BlockPermissions.Write | BlockPermissions.Resize);
        }

        if ((Role & ChildRole.Data) != 0)
        {
            shared &= ~BlockPermissions.Resize;
            if ((required & BlockPermissions.WriteUnchanged) != 0)
            {
                required |= BlockPermissions.Write;
            }

            if ((required & BlockPermissions.Write) != 0)
            {
                required |= BlockPermissions.Resize;
            }
        }

        if (IsParentInactive)
        {
            shared |= BlockPermissions.Write | BlockPermissions.Resize;
        }

        return new PermissionSet(required, shared);
    }
}
