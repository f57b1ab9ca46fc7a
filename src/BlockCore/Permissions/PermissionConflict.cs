using System.Text;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Permissions;

/// <summary>Why permissions do not go together: on which node, between which users, over which bits.</summary>
public sealed class PermissionConflict
{
    private PermissionConflict(BlockNode node, BlockChild user, BlockChild? other, BlockPermissions bits, string message, string advice)
    {
        Node = node;
        User = user;
        Other = other;
        Bits = bits;
        Message = message;
        Explanation = advice;
    }

    /// <summary>The node that they both use, or that one of them may not write.</summary>
    public BlockNode Node { get; }

    /// <summary>The edge of the user who needs the bits.</summary>
    public BlockChild User { get; }

    /// <summary>The edge of the user who does not tolerate them; null where it is the node that does not.</summary>
    public BlockChild? Other { get; }

    /// <summary>The bits in question.</summary>
    public BlockPermissions Bits { get; }

    /// <summary>The conflict in one line; users match on the text.</summary>
    public string Message { get; }

    private string Explanation { get; }

    /// <summary>Where the conflict comes from, and which edge to change so that it ends.</summary>
    public string Explain() => Explanation;

    /// <summary>The failure of an operation that runs into it.</summary>
    public BlockException ToException() => new(BlockErrorKind.NotPermitted, Message);

    /// <summary><paramref name="user"/> needs <paramref name="bits"/>, and <paramref name="other"/> does not share them; <paramref name="update"/> knows who uses whom, and what for.</summary>
    internal static PermissionConflict BetweenUsers(BlockNode node, BlockChild user, BlockChild other, BlockPermissions bits, PermissionUpdate update)
    {
        string message =
            $"Permission conflict on node '{node.Name}': permissions '{bits.ToText()}' are both required by {Describe(node, user)} and unshared by {Describe(node, other)}.";
        string advice =
            $"On node '{node.Name}' one user needs '{bits.ToText()}', and another does not share it:\n  needed by:     {Chain(user, update)}\n  not shared by: {Chain(other, update)}\n"
            + $"Either {AdviceToShare(other, bits, update)}, or {AdviceToDoWithout(user, bits, update)}.";
        return new PermissionConflict(node, user, other, bits, message, advice);
    }

    /// <summary><paramref name="writer"/> wants to write a node that is read-only, or, where <paramref name="isChange"/>, is about to become so.</summary>
    internal static PermissionConflict WithReadOnly(BlockNode node, BlockChild writer, bool isChange, PermissionUpdate update)
    {
        string message = isChange ? $"Read-only block node '{node.Name}' cannot support read-write users" : "Block node is read-only";
        BlockPermissions writing = update.PermissionsOf(writer).Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged);
        string remedy = node.IsInactive && !node.IsReadOnly ? $"activate node '{node.Name}'" : $"open node '{node.Name}' read-write (read-only=off)";
        string advice =
            $"Node '{node.Name}' {(isChange ? "would be" : "is")} read-only{(node.IsInactive ? " (inactive)" : "")}, and one user needs to write it:\n  needed by: {Chain(writer, update)}\n"
            + $"Either {remedy}, or {AdviceToDoWithout(writer, writing, update)}.";
        return new PermissionConflict(node, writer, null, writing, message, advice);
    }

    /// <summary><paramref name="writer"/> wants to write a node whose last block is not whole, without the right to lengthen it.</summary>
    internal static PermissionConflict WithLength(BlockNode node, BlockChild writer, PermissionUpdate update)
    {
        const string message = "Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment";
        string advice =
            $"Node '{node.Name}' has {node.LengthBytes} bytes, no multiple of {node.Limits.RequestAlignmentBytes}: to write its end means to lengthen it.\n  written by: {Chain(writer, update)}\n"
            + $"Either let '{writer.Name}' of {writer.Parent.Description} have 'resize' too, or give the image a whole number of blocks.";
        return new PermissionConflict(node, writer, null, BlockPermissions.Resize, message, advice);
    }

    private static string Describe(BlockNode node, BlockChild edge) => $"{edge.Parent.Description} (uses node '{node.Name}' as '{edge.Name}' child)";

    // From the edge upward to where the need comes from: through nodes that have exactly one user each.
    private static string Chain(BlockChild edge, PermissionUpdate update)
    {
        StringBuilder text = new($"'{edge.Name}' of {edge.Parent.Description}");
        BlockNode? parent = edge.Parent.AsNode;
        while (parent is not null && update.UsersOf(parent) is [BlockChild above])
        {
            text.Append($" <- '{above.Name}' of {above.Parent.Description}");
            parent = above.Parent.AsNode;
        }

        return text.ToString();
    }

    private static string AdviceToDoWithout(BlockChild edge, BlockPermissions bits, PermissionUpdate update)
    {
        // A format that can be written writes its metadata, whatever its users need.
        Origin origin = OriginOf(edge, above => (update.PermissionsOf(above).Required & bits) != 0, ChildRole.Metadata, update);
        BlockChild at = origin.Edge;
        bool isAboutWriting = (bits & ~BlockPermissions.ConsistentRead) != 0;
        return origin.IsShared ? $"let the users of {at.Parent.Description} do without '{bits.ToText()}'{(isAboutWriting ? " (open them read-only)" : "")}"
            : at.Parent.AsNode is not null && (at.Role & ChildRole.Metadata) != 0 && isAboutWriting ? $"open {at.Parent.Description} read-only"
            : $"let '{at.Name}' of {at.Parent.Description} do without '{bits.ToText()}'{(isAboutWriting ? " (open it read-only)" : "")}";
    }

    private static string AdviceToShare(BlockChild edge, BlockPermissions bits, PermissionUpdate update)
    {
        // Who stores data in a child relies on its length, and a format lets nobody else write its file, whatever their users share.
        ChildRole nature = (bits & BlockPermissions.Resize) != 0 ? ChildRole.Metadata | ChildRole.Data : ChildRole.Metadata;
        Origin origin = OriginOf(edge, above => (bits & ~update.PermissionsOf(above).Shared) != 0, nature, update);
        BlockChild at = origin.Edge;
        return origin.IsShared ? $"let the users of {at.Parent.Description} share '{bits.ToText()}'"
            : at.Parent.AsNode is not null ? $"take '{at.Name}' from {at.Parent.Description}, which never shares it"
            : $"let '{at.Name}' of {at.Parent.Description} share '{bits.ToText()}'";
    }

    // Upward while it is the one user above that makes it so, and not the nature of the node in between.
    private static Origin OriginOf(BlockChild edge, Func<BlockChild, bool> isSame, ChildRole nature, PermissionUpdate update)
    {
        BlockChild at = edge;
        while (at.Parent.AsNode is { } node && (at.Role & nature) == 0)
        {
            BlockChild[] users = [.. update.UsersOf(node).Where(isSame)];
            if (users.Length != 1)
            {
                return new Origin(at, IsShared: users.Length > 1);
            }

            at = users[0];
        }

        return new Origin(at, IsShared: false);
    }

    /// <summary>Where a need begins: at this edge, or, where it is shared, with several users of the node that this edge leads from.</summary>
    private readonly record struct Origin(BlockChild Edge, bool IsShared);
}
