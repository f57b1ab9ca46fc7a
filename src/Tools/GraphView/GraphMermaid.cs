using System.Globalization;
using System.Text;

namespace BlockGraph.Tools.GraphView;

/// <summary>Writes a picture as a Mermaid flowchart, which many wikis and forges draw.</summary>
internal static class GraphMermaid
{
    /// <summary>Writes <paramref name="picture"/>.</summary>
    public static void Print(TextWriter output, GraphPicture picture)
    {
        output.WriteLine("flowchart TD");
        for (int i = 0; i < picture.Nodes.Count; i++)
        {
            PictureNode node = picture.Nodes[i];
            string label = Lines(PictureText.Of(node));
            output.WriteLine($"  n{i}{(node.Kind == PictureKind.User ? $"([\"{label}\"])" : $"[\"{label}\"]")}:::{ClassOf(node.Kind)}");
        }

        foreach (PictureEdge edge in picture.Edges)
        {
            output.WriteLine($"  n{edge.From} {(edge.IsFrozen ? "==>" : "-->")}|\"{Lines(PictureText.Of(edge))}\"| n{edge.To}");
        }

        foreach (PictureKind kind in picture.Nodes.Select(node => node.Kind).Distinct().Order())
        {
            (string line, string fill) = PictureColours.Of(kind);
            output.WriteLine($"  classDef {ClassOf(kind)} fill:{fill},stroke:{line},color:{PictureColours.Ink}");
        }
    }

    /// <summary>Text as it stands between double quotes. Whatever could mean something, to the parser or to the page that shows the label, is spelt as a number.</summary>
    public static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isPlain = rune.Value > '~' || Rune.IsLetterOrDigit(rune) || rune.Value is ' ' or '.' or ',' or '-' or '+' or '/' or '\'' or '(' or ')' or '=';
            escaped.Append(isPlain ? rune.ToString() : string.Create(CultureInfo.InvariantCulture, $"#{rune.Value};"));
        }

        return escaped.ToString();
    }

    private static string Lines(IEnumerable<string> lines) => string.Join("<br/>", lines.Select(Escape));

    private static string ClassOf(PictureKind kind) => kind.ToString().ToLowerInvariant();
}
