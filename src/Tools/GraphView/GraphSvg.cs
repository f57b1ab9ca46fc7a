using System.Globalization;
using System.Text;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Tools.GraphView.Layout;

namespace BlockGraph.Tools.GraphView;

/// <summary>Draws a picture as SVG, by our own layout: one file that needs nothing, in light or dark colours as the viewer likes it.</summary>
internal sealed class GraphSvg
{
    private const int NamePx = 13;
    private const int DetailPx = 11;
    private const int LabelPx = 10;
    private const int NameLinePx = 18;
    private const int DetailLinePx = 15;
    private const int LabelLinePx = 13;
    private const int PaddingX = 12;
    private const int PaddingY = 8;
    private const int BarPx = 5;
    private const int BoxTextPxMax = 280;
    private const int LabelTextPxMax = 160;
    private const int BoxPxMin = 96;
    private readonly GraphPicture _picture;
    private readonly IReadOnlyList<string>[] _boxLines;
    private readonly IReadOnlyList<string>[] _labelLines;
    private readonly LayeredLayout _layout;
    private readonly StringBuilder _svg = new();

    private GraphSvg(GraphPicture picture)
    {
        _picture = picture;
        _boxLines = [.. picture.Nodes.Select(node => PictureText.Of(node))];
        _labelLines = [.. picture.Edges.Select(LabelLines)];
        _layout = LayeredLayout.Of(
            [.. _boxLines.Select(BoxSize)],
            [.. picture.Edges.Select((edge, i) => new LayoutEdge(edge.From, edge.To, LabelSize(_labelLines[i]), (edge.Role & (ChildRole.Filtered | ChildRole.Cow)) != 0))],
            box => picture.Nodes[box].Kind == PictureKind.User);
    }

    /// <summary>Draws <paramref name="picture"/>.</summary>
    public static void Print(TextWriter output, GraphPicture picture)
    {
        GraphSvg svg = new(picture);
        svg.Draw();
        output.Write(svg._svg.ToString());
    }

    /// <summary>Where everything lies; for tests.</summary>
    internal static LayeredLayout LayOut(GraphPicture picture) => new GraphSvg(picture)._layout;

    private void Draw()
    {
        Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{SvgStyle.Scope}\" width=\"{_layout.Width}\" height=\"{_layout.Height}\" viewBox=\"0 0 {_layout.Width} {_layout.Height}\" role=\"img\">");
        Line($"<title>{_picture.Nodes.Count(node => node.Kind != PictureKind.User)} nodes and their edges</title>");
        Line("<style>");
        _svg.Append(SvgStyle.Sheet);
        Line("</style>");
        Line($"<rect class=\"page\" width=\"{_layout.Width}\" height=\"{_layout.Height}\"/>");
        for (int i = 0; i < _picture.Edges.Count; i++)
        {
            DrawArrow(i);
        }

        for (int i = 0; i < _picture.Nodes.Count; i++)
        {
            DrawBox(i);
        }

        Line("</svg>");
    }

    private void DrawArrow(int index)
    {
        PictureEdge edge = _picture.Edges[index];
        LayoutBox label = _layout.Labels[index];
        LayoutPoint end = _layout.Routes[index][^1];
        Line($"<g class=\"arrow{(edge.IsFrozen ? " frozen" : "")}\">");
        Line($"<title>{Escape($"{_picture.Nodes[edge.From].Name} -> {_picture.Nodes[edge.To].Name}\n{string.Join('\n', PictureText.Of(edge))}")}</title>");
        Line($"<path class=\"line\" d=\"{Path(_layout.Routes[index])}\"/>");
        Line($"<path class=\"head\" d=\"M{end.X} {end.Y}l-4 -8h8z\"/>");
        int y = label.Y;
        for (int i = 0; i < _labelLines[index].Count; i++)
        {
            y += LabelLinePx;
            Line($"<text class=\"{(i == 0 ? "label name" : "label")}\" x=\"{label.X}\" y=\"{y - 3}\">{Escape(_labelLines[index][i])}</text>");
        }

        Line("</g>");
    }

    private void DrawBox(int index)
    {
        PictureNode node = _picture.Nodes[index];
        LayoutBox box = _layout.Boxes[index];
        IReadOnlyList<string> lines = _boxLines[index];
        Line($"<g class=\"{node.Kind.ToString().ToLowerInvariant()}{(node.IsInactive ? " inactive" : "")}\">");
        Line($"<title>{Escape(string.Join('\n', lines))}</title>");
        Line($"<rect class=\"box\" x=\"{box.X}\" y=\"{box.Y}\" width=\"{box.Width}\" height=\"{box.Height}\" rx=\"6\"/>");
        Line($"<path class=\"bar\" d=\"M{box.X + BarPx} {box.Y}v{box.Height}a5 6 0 0 1 -5 -6v-{box.Height - 12}a5 6 0 0 1 5 -6z\"/>");
        int x = box.X + BarPx + PaddingX;
        int y = box.Y + PaddingY;
        for (int i = 0; i < lines.Count; i++)
        {
            bool isName = i == 0;
            y += isName ? NameLinePx : DetailLinePx;
            string style = isName ? "name title" : lines[i] == PictureText.Flags(node) ? "flags" : "detail";
            string text = TextWidth.Shorten(lines[i], isName ? NamePx : DetailPx, BoxTextPxMax, isName);
            Line($"<text class=\"{style}\" x=\"{x}\" y=\"{y - 5}\">{Escape(text)}</text>");
        }

        Line("</g>");
    }

    // Vertical pieces, and between them curves that begin and end vertically.
    private static string Path(IReadOnlyList<LayoutPoint> points)
    {
        StringBuilder path = new();
        path.Append(CultureInfo.InvariantCulture, $"M{points[0].X} {points[0].Y}");
        for (int i = 1; i < points.Count; i++)
        {
            (LayoutPoint from, LayoutPoint to) = (points[i - 1], points[i]);
            bool goesOnStraight = i + 1 < points.Count && points[i + 1].X == to.X;
            if (from.X != to.X)
            {
                int middle = (from.Y + to.Y) / 2;
                path.Append(CultureInfo.InvariantCulture, $"C{from.X} {middle} {to.X} {middle} {to.X} {to.Y}");
            }
            else if (!goesOnStraight && from.Y != to.Y)
            {
                path.Append(CultureInfo.InvariantCulture, $"V{to.Y}");
            }
        }

        return path.ToString();
    }

    private static IReadOnlyList<string> LabelLines(PictureEdge edge) =>
        [.. PictureText.Of(edge).SelectMany((line, i) => i == 0 ? [TextWidth.Shorten(line, LabelPx, LabelTextPxMax, isBold: true)] : TextWidth.Wrap(line, LabelPx, LabelTextPxMax))];

    private static LayoutSize BoxSize(IReadOnlyList<string> lines)
    {
        int width = 0;
        for (int i = 0; i < lines.Count; i++)
        {
            width = Math.Max(width, Math.Min(BoxTextPxMax, TextWidth.Of(lines[i], i == 0 ? NamePx : DetailPx, i == 0)));
        }

        return new LayoutSize(Math.Max(BoxPxMin, BarPx + width + (2 * PaddingX)), (2 * PaddingY) + NameLinePx + ((lines.Count - 1) * DetailLinePx));
    }

    private static LayoutSize LabelSize(IReadOnlyList<string> lines) =>
        new(lines.Select((line, i) => TextWidth.Of(line, LabelPx, i == 0)).Max(), lines.Count * LabelLinePx);

    private static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char c in text)
        {
            escaped.Append(c switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                _ => c.ToString(),
            });
        }

        return escaped.ToString();
    }

    private void Line(string text) => _svg.Append(text).Append('\n');
}
