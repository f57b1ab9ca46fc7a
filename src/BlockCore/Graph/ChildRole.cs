using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Graph;

/// <summary>What a child is to its parent. <i>QEMU: BdrvChildRole.</i></summary>
[Flags]
public enum ChildRole
{
    /// <summary>No role: an extra child, such as a copy target.</summary>
    None = 0,

    /// <summary>The child stores the parent's data.</summary>
    Data = 1,

    /// <summary>The child stores the parent's metadata.</summary>
    Metadata = 2,

    /// <summary>The parent presents the child's data unchanged.</summary>
    Filtered = 4,

    /// <summary>The child supplies what the parent has not allocated.</summary>
    Cow = 8,

    /// <summary>The child that the parent is mainly about: its file name is the parent's.</summary>
    Primary = 16,

    /// <summary>The one file of a format that keeps everything in it.</summary>
    Image = Data | Metadata | Primary,
}

/// <summary>The rules that roles obey.</summary>
public static class ChildRoleExtensions
{
    private static readonly (ChildRole Bit, string Name)[] s_names =
    [
        (ChildRole.Data, "data"),
        (ChildRole.Metadata, "metadata"),
        (ChildRole.Filtered, "filtered"),
        (ChildRole.Cow, "cow"),
        (ChildRole.Primary, "primary"),
    ];

    /// <summary>Throws where <paramref name="role"/> combines what excludes each other: a bug in a driver.</summary>
    public static void Validate(this ChildRole role)
    {
        if ((role & ChildRole.Filtered) != 0)
        {
            Invariant.Check((role & (ChildRole.Data | ChildRole.Metadata | ChildRole.Cow)) == 0);
        }

        if ((role & ChildRole.Cow) != 0)
        {
            Invariant.Check((role & (ChildRole.Data | ChildRole.Metadata | ChildRole.Filtered | ChildRole.Primary)) == 0);
        }
    }

    /// <summary>The bits' names, as the graph command shows them.</summary>
    public static IEnumerable<string> Names(this ChildRole role)
    {
        foreach ((ChildRole bit, string name) in s_names)
        {
            if ((role & bit) != 0)
            {
                yield return name;
            }
        }
    }
}
