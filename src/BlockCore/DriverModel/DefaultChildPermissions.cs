using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What a node needs of a child by default, from the child's role and the needs of the node's own users. <i>QEMU: bdrv_default_perms().</i></summary>
internal static class DefaultChildPermissions
{
    public static PermissionSet For(BlockNode parent, BlockChild child, PermissionSet users)
    {
        PermissionSet result = (child.Role & ChildRole.Cow) != 0 ? ForCow(users)
            : (child.Role & (ChildRole.Data | ChildRole.Metadata)) != 0 ? ForStorage(parent, child.Role, users)
            : users;
        return child.Node.ForceShare ? result with { Shared = BlockPermissions.All } : result;
    }

    private static PermissionSet ForCow(PermissionSet users)
    {
        BlockPermissions shared = BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged;
        if ((users.Shared & BlockPermissions.Write) != 0)
        {
            shared |= BlockPermissions.Write | BlockPermissions.Resize;
        }

        return new PermissionSet(users.Required & BlockPermissions.ConsistentRead, shared);
    }

    private static PermissionSet ForStorage(BlockNode parent, ChildRole role, PermissionSet users)
    {
        (BlockPermissions required, BlockPermissions shared) = users;
        if ((role & ChildRole.Metadata) != 0)
        {
            // Metadata may be written even while nobody writes data.
            if (!parent.IsReadOnly)
            {
                required |= BlockPermissions.Write | BlockPermissions.Resize;
            }

            required |= BlockPermissions.ConsistentRead;
            shared &= ~(BlockPermissions.Write | BlockPermissions.Resize);
        }

        if ((role & ChildRole.Data) != 0)
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

        return new PermissionSet(required, shared);
    }
}
