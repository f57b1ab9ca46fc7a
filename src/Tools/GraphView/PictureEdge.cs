using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.Tools.GraphView;

/// <summary>One arrow of a picture, from a parent down to a child.</summary>
/// <param name="From">The index of the parent's box.</param>
/// <param name="To">The index of the child's box.</param>
/// <param name="Name">What the parent calls the child.</param>
/// <param name="Role">What the child is to the parent.</param>
/// <param name="Permissions">What the parent may do to the child, and lets others do.</param>
internal sealed record PictureEdge(int From, int To, string Name, ChildRole Role, PermissionSet Permissions)
{
    /// <summary>True where the link cannot be changed.</summary>
    public bool IsFrozen { get; init; }

    /// <summary>True to show nothing but the name.</summary>
    public bool IsBrief { get; init; }
}
