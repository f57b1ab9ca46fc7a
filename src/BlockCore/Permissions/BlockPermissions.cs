namespace BlockGraph.BlockCore.Permissions;

/// <summary>What a user of a node may do through its edge. Each bit is a promise to the other users. <i>QEMU: BLK_PERM_*.</i></summary>
[Flags]
public enum BlockPermissions
{
    /// <summary>Nothing; the data may be read, but may be nonsense.</summary>
    None = 0,

    /// <summary>What is read is what was written: the node shows a consistent image.</summary>
    ConsistentRead = 1,

    /// <summary>The visible data may be changed.</summary>
    Write = 2,

    /// <summary>Writes that do not change the visible data may be made.</summary>
    WriteUnchanged = 4,

    /// <summary>The length may be changed.</summary>
    Resize = 8,

    /// <summary>Every bit.</summary>
    All = ConsistentRead | Write | WriteUnchanged | Resize,
}

/// <summary>The names of permission bits in messages and in JSON.</summary>
public static class BlockPermissionsExtensions
{
    private static readonly (BlockPermissions Bit, string Name)[] s_names =
    [
        (BlockPermissions.ConsistentRead, "consistent read"),
        (BlockPermissions.Write, "write"),
        (BlockPermissions.WriteUnchanged, "write unchanged"),
        (BlockPermissions.Resize, "resize"),
    ];

    /// <summary>The names of the bits of <paramref name="permissions"/>, in the fixed order, as messages spell them.</summary>
    public static IEnumerable<string> Names(this BlockPermissions permissions)
    {
        foreach ((BlockPermissions bit, string name) in s_names)
        {
            if ((permissions & bit) != 0)
            {
                yield return name;
            }
        }
    }

    /// <summary>The names, separated by a comma and a blank.</summary>
    public static string ToText(this BlockPermissions permissions) => string.Join(", ", permissions.Names());
}
