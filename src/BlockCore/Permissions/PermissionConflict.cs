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

    /// <summary><paramref name="user"/> needs <paramref name="bits"/>, and <paramref name="other"/> does not share them.</summary>
    internal static PermissionConflict BetweenUsers(BlockNode node, BlockChild user, BlockChild other, BlockPermissions bits)
    {
        string message =
            $"Permission conflict on node '{node.Name}': permissions '{bits.ToText()}' are both required by {Describe(node, user)} and unshared by {Describe(node, other)}.";
        StringBuilder advice = new();
        advice.AppendLine($"On node '{node.Name}' one user needs '{bits.ToText()}' and another does not share it:");
        advice.AppendLine($"  needed:   {Chain(user)}");
        advice.AppendLine($"  unshared: {Chain(other)}");
        advice.Append($"Either {Relief(other, $"let it share '{bits.ToText()}'")}, or {Relief(user, $"let it do without '{bits.ToText()}'{(IsAboutWriting(bits) ? " (open it read-only)" : "")}")}.");
        return new PermissionConflict(node, user, other, bits, message, advice.ToString());
    }

    /// <summary><paramref name="writer"/> wants to write a node that is read-only, or, where <paramref name="isChange"/>, is about to become so.</summary>
    internal static PermissionConflict WithReadOnly(BlockNode node, BlockChild writer, bool isChange)
    {
        string message = isChange ? $"Read-only block node '{node.Name}' cannot support read-write users" : "Block node is read-only";
        string advice =
            $"Node '{node.Name}' {(isChange ? "would be" : "is")} read-only{(node.IsInactive ? " (inactive)" : "")}, and is to be written:\n  by: {Chain(writer)}\n"
            + $"Either open node '{node.Name}' read-write (read-only=off), or {Relief(writer, "open it read-only")}.";
        return new PermissionConflict(node, writer, null, BlockPermissions.Write, message, advice);
    }

    /// <summary><paramref name="writer"/> wants to write a node whose last block is not whole, without the right to lengthen it.</summary>
    internal static PermissionConflict WithLength(BlockNode node, BlockChild writer)
    {
        const string message = "Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment";
        string advice =
            $"Node '{node.Name}' has {node.LengthBytes} bytes, no multiple of {node.Limits.RequestAlignmentBytes}: to write its end means to lengthen it.\n  writer: {Chain(writer)}\n"
            + $"Give edge '{writer.Name}' of {writer.Parent.Description} the 'resize' permission, or the image a whole number of blocks.";
        return new PermissionConflict(node, writer, null, BlockPermissions.Resize, message, advice);
    }

    private static bool IsAboutWriting(BlockPermissions bits) => (bits & (BlockPermissions.Write | BlockPermissions.WriteUnchanged | BlockPermissions.Resize)) != 0;

    private static string Describe(BlockNode node, BlockChild edge) => $"{edge.Parent.Description} (uses node '{node.Name}' as '{edge.Name}' child)";

    // From the edge upward to where the need comes from: through nodes that have exactly one user each.
    private static string Chain(BlockChild edge)
    {
        StringBuilder text = new($"'{edge.Name}' of {edge.Parent.Description}");
        BlockNode? parent = edge.Parent.AsNode;
        while (parent is { Parents: [BlockChild above] })
        {
            text.Append($" <- '{above.Name}' of {above.Parent.Description}");
            parent = above.Parent.AsNode;
        }

        return text.ToString();
    }

    // The user whom a person can change: the one at the upper end, or the node in between whose own nature asks for it.
    private static string Relief(BlockChild edge, string what)
    {
        BlockChild upper = edge;
        while (upper.Parent.AsNode is { Parents: [BlockChild above] } && (upper.Role & ChildRole.Metadata) == 0)
        {
            upper = above;
        }

        return $"change edge '{upper.Name}' of {upper.Parent.Description}: {what}";
    }
}
