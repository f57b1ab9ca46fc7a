using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.TestKit.Drawing;

/// <summary>Permissions as drawings spell them.</summary>
internal static class PermissionText
{
    private static readonly (string Name, BlockPermissions Bits)[] s_names =
    [
        ("consistent-read", BlockPermissions.ConsistentRead),
        ("write", BlockPermissions.Write),
        ("write-unchanged", BlockPermissions.WriteUnchanged),
        ("resize", BlockPermissions.Resize),
        ("all", BlockPermissions.All),
        ("none", BlockPermissions.None),
    ];

    /// <summary>Every name there is.</summary>
    public static string AllNames => string.Join(", ", s_names.Select(n => n.Name));

    /// <summary>The permissions called <paramref name="name"/>.</summary>
    public static bool TryParse(string name, out BlockPermissions bits)
    {
        int index = Array.FindIndex(s_names, n => n.Name == name);
        bits = index < 0 ? BlockPermissions.None : s_names[index].Bits;
        return index >= 0;
    }

    /// <summary>What is needed and what is shared, in brackets.</summary>
    public static string Draw(PermissionSet permissions) => $"[{Draw(permissions.Required)}|share={Draw(permissions.Shared)}]";

    private static string Draw(BlockPermissions bits)
    {
        (string Name, BlockPermissions Bits)? whole = s_names.Where(n => n.Bits == bits).Select(n => ((string, BlockPermissions)?)n).FirstOrDefault();
        return whole?.Name ?? string.Join(',', s_names.Take(4).Where(n => (bits & n.Bits) != 0).Select(n => n.Name));
    }
}
