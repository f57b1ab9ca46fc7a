using System.Text;

namespace BlockGraph.Tools.GraphView;

/// <summary>Writes a picture in Graphviz's language: <c>blockgraph graph … --dot | dot -Tpng</c>.</summary>
internal static class GraphDot
{
    /// <summary>Writes <paramref name="picture"/>.</summary>
    public static void Print(TextWriter output, GraphPicture picture)
    {
        output.WriteLine("digraph blockgraph {");
        output.WriteLine("  rankdir=TB;");
        output.WriteLine("  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=11];");
        output.WriteLine("  edge [fontname=\"sans-serif\", fontsize=9];");
        for (int i = 0; i < picture.Nodes.Count; i++)
        {
            PictureNode node = picture.Nodes[i];
            output.WriteLine($"  n{i} [label=\"{Lines(PictureText.Of(node), "\\n")}\", color=\"{PictureColours.Of(node.Kind).Line}\", fillcolor=\"{PictureColours.Of(node.Kind).Fill}\"{Outline(node)}];");
        }

        foreach (PictureEdge edge in picture.Edges)
        {
            output.WriteLine($"  n{edge.From} -> n{edge.To} [label=\"{Lines(PictureText.Of(edge), "\\l")}\\l\"{(edge.IsFrozen ? ", style=bold" : "")}];");
        }

        output.WriteLine("}");
    }

    /// <summary>Text as it stands between double quotes: the language takes backslashes, and names of characters after an ampersand, apart.</summary>
    public static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char c in text)
        {
            escaped.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '&' => "&amp;",
                '\n' => "\\n",
                '\r' => "",
                _ => c.ToString(),
            });
        }

        return escaped.ToString();
    }

    private static string Lines(IEnumerable<string> lines, string lineEnd) => string.Join(lineEnd, lines.Select(Escape));

    private static string Outline(PictureNode node) => node.IsInactive ? ", style=\"rounded,filled,dashed\"" : "";
}
