using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Graph;

/// <summary>The rules of node, backend and object names. <i>QEMU: id_wellformed() and node-name.</i></summary>
public static class NodeName
{
    /// <summary>The longest node name a user may give, in bytes.</summary>
    public const int LengthMax = 31;

    /// <summary>True where <paramref name="name"/> begins with an ASCII letter and goes on with letters, digits, <c>-</c>, <c>.</c> and <c>_</c>.</summary>
    public static bool IsWellFormed(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length == 0 || !char.IsAsciiLetter(name[0]))
        {
            return false;
        }

        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.' or '_'))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Refuses a name that is malformed, taken or too long, in this order.</summary>
    internal static void Check(NodeGraph graph, string name)
    {
        if (!IsWellFormed(name))
        {
            throw new BlockException($"Invalid node-name: '{name}'");
        }

        if (graph.FindRoot(name) is not null)
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"node-name={name} is conflicting with a device id");
        }

        if (graph.FindNode(name) is not null)
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"Duplicate nodes with node-name='{name}'");
        }

        if (name.Length > LengthMax)
        {
            throw new BlockException("Node name too long");
        }
    }
}
