using System.Globalization;
using System.Text;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.TestKit.Drawing;

/// <summary>
/// A graph as it is at one moment: nodes, options, edges, roles, permissions, drains, contexts, the locks of files. Pictures are equal where
/// nothing that a user could see differs, so that "everything is as before" is one assertion:
/// <code>
///   GraphPicture before = GraphPicture.Of(graph);
///   …
///   Assert.That(GraphPicture.Of(graph).DifferenceFrom(before), Is.Empty, "the refused change left no trace");
/// </code>
/// Its text is in the grammar of <see cref="GraphBuilder"/>; what a builder cannot make stands in braces.
/// </summary>
public sealed class GraphPicture : IEquatable<GraphPicture>
{
    // Begins a line that is compared and not shown: what was given for a node decides what a reopen gives it.
    private const string Given = "    given ";

    private readonly string[] _lines;

    private GraphPicture(string[] lines) => _lines = lines;

    /// <summary>A picture of <paramref name="graph"/>, nodes and users in order of creation. Main context.</summary>
    public static GraphPicture Of(NodeGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return new GraphPicture([.. graph.Nodes.SelectMany(DrawNode), .. graph.Roots.SelectMany(root => DrawRoot(graph, root))]);
    }

    /// <inheritdoc/>
    public bool Equals(GraphPicture? other) => other is not null && _lines.AsSpan().SequenceEqual(other._lines);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GraphPicture);

    /// <inheritdoc/>
    public override int GetHashCode() => _lines.Aggregate(0, HashCode.Combine);

    /// <summary>The whole picture, without what was spelt out though it is the default.</summary>
    public override string ToString() => string.Join('\n', _lines.Where(line => !line.StartsWith(Given, StringComparison.Ordinal)));

    /// <summary>The lines that are only in <paramref name="before"/> (-) or only in this picture (+), each edge under its node; empty where both are equal.</summary>
    public string DifferenceFrom(GraphPicture before)
    {
        ArgumentNullException.ThrowIfNull(before);
        if (Equals(before))
        {
            return string.Empty;
        }

        StringBuilder text = new();
        int[,] longest = CommonLengths(before._lines, _lines);
        (int i, int j) = (0, 0);
        while (i < before._lines.Length || j < _lines.Length)
        {
            if (i < before._lines.Length && j < _lines.Length && before._lines[i] == _lines[j])
            {
                AppendOwner(text, _lines[j]);
                (i, j) = (i + 1, j + 1);
            }
            else if (j == _lines.Length || (i < before._lines.Length && longest[i + 1, j] >= longest[i, j + 1]))
            {
                text.Append("- ").AppendLine(before._lines[i++]);
            }
            else
            {
                text.Append("+ ").AppendLine(_lines[j++]);
            }
        }

        return text.ToString();
    }

    // A line that both have says whose the changed edges after it are.
    private static void AppendOwner(StringBuilder text, string line)
    {
        if (!line.StartsWith(' '))
        {
            text.Append("  ").AppendLine(line);
        }
    }

    private static int[,] CommonLengths(string[] a, string[] b)
    {
        int[,] longest = new int[a.Length + 1, b.Length + 1];
        for (int i = a.Length - 1; i >= 0; i--)
        {
            for (int j = b.Length - 1; j >= 0; j--)
            {
                longest[i, j] = a[i] == b[j] ? longest[i + 1, j + 1] + 1 : Math.Max(longest[i + 1, j], longest[i, j + 1]);
            }
        }

        return longest;
    }

    private static IEnumerable<string> DrawNode(BlockNode node)
    {
        string options = string.Join(", ", ShownOptions(node));
        yield return $"{node.Name}: {node.Driver.Name}{(options.Length == 0 ? "" : $"({options})")}{At(node.Graph, node.Context.Name)}{Braces(FactsOf(node))}";
        yield return Given + string.Join(", ", node.ExplicitOptions.Select(o => Spell(o.Key, o.Value)));
        foreach (BlockChild edge in node.Children)
        {
            yield return $"    {edge.Name}{PermissionText.Draw(edge.Permissions)} -> {edge.Node.Name}{Braces([.. edge.Role.Names(), .. edge.IsFrozen ? ["frozen"] : (string[])[]])}";
        }
    }

    // What is in effect and not the default.
    private static IEnumerable<string> ShownOptions(BlockNode node) =>
        node.Options.Where(o => o.Key is not ("driver" or "node-name") && DefaultOf(node, o.Key) != o.Value.AsText).Select(o => Spell(o.Key, o.Value));

    private static string Spell(string key, OptionValue value)
    {
        string text = value.AsText ?? "null";
        return text.AsSpan().IndexOfAny(", )\"") < 0 ? $"{key}={text}" : $"{key}=\"{text}\"";
    }

    private static string? DefaultOf(BlockNode node, string key) =>
        node.Driver.Options.TryGet(key, out OptionDefinition? definition) || CommonOptions.Schema.TryGet(key, out definition) ? definition.Default : null;

    private static IEnumerable<string> FactsOf(BlockNode node)
    {
        yield return Invariant($"{node.LengthBytes} bytes");
        if (node.IsReadOnly)
        {
            yield return "read-only";
        }

        if (node.IsInactive)
        {
            yield return "inactive";
        }

        if (node.IsImplicit)
        {
            yield return "implicit";
        }

        if (node.NeverFreezes)
        {
            yield return "never freezes";
        }

        if (node.IsProbed)
        {
            yield return "probed";
        }

        if (node.InheritsFrom is { } parent)
        {
            yield return $"inherits from {parent.Name}";
        }

        if (node.Instance.BackingFileName is { } name)
        {
            yield return $"header names {name}{(node.Instance.BackingFormat is { } format ? $" in {format}" : "")}";
        }

        if (node.QuiesceCount > 0)
        {
            yield return Invariant($"quiesced {node.QuiesceCount}");
        }

        if (node.Driver.Name == "file" && HeldLocks.Of(node.Options.GetText("filename")!) is { Count: > 0 } locks)
        {
            yield return $"locks {string.Join(' ', locks)}";
        }
    }

    private static IEnumerable<string> DrawRoot(NodeGraph graph, IRootParent root)
    {
        if (root is BlockBackend backend)
        {
            string facts = Braces([
                .. backend.QuiesceCount > 0 ? [Invariant($"quiesced {backend.QuiesceCount}")] : (string[])[],
                .. backend.RootEdge is { } edge && edge.Permissions != backend.Permissions ? [$"has {PermissionText.Draw(edge.Permissions)}"] : (string[])[],
            ]);
            yield return $"{backend.Name}{PermissionText.Draw(backend.Permissions)}{(backend.Root is { } node ? $" -> {node.Name}" : "")}{At(graph, backend.Context.Name)}{facts}";
            yield break;
        }

        yield return $"{{{root.Description}}}";
        foreach (BlockChild edge in root.Edges)
        {
            yield return $"    {{{edge.Name}}}{PermissionText.Draw(edge.Permissions)} -> {edge.Node.Name}{Braces(edge.Role.Names())}";
        }
    }

    private static string At(NodeGraph graph, string context) => context == graph.MainContext.Name ? "" : $" @{context}";

    private static string Braces(IEnumerable<string> facts) => string.Join(", ", facts) is { Length: > 0 } text ? $" {{{text}}}" : "";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
