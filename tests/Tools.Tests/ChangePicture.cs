using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using BlockGraph.Tools.GraphView;

namespace BlockGraph.Tools.Tests;

/// <summary>Two pictures of a graph side by side, as it was and as it is, in one file: what docs/graph.md shows.</summary>
internal static class ChangePicture
{
    private const int CaptionPx = 24;
    private const int GapPx = 64;

    /// <summary>Draws both, and an arrow from the one to the other.</summary>
    public static string Draw(string title, GraphPicture before, GraphPicture after)
    {
        (string left, int leftWidth, int leftHeight) = Drawn(before);
        (string right, int rightWidth, int rightHeight) = Drawn(after);
        int width = leftWidth + GapPx + rightWidth;
        int height = CaptionPx + Math.Max(leftHeight, rightHeight);
        int x = leftWidth + GapPx;
        int middle = CaptionPx + (Math.Max(leftHeight, rightHeight) / 2);
        FormattableString text =
            $"""
            <svg xmlns="http://www.w3.org/2000/svg" class="blockgraph" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
            <title>{new XText(title)}</title>
            <style>
            {StyleOf(left)}</style>
            <rect class="page" width="{width}" height="{height}"/>
            <text class="name" x="20" y="18">before</text>
            <text class="name" x="{x + 20}" y="18">after</text>
            <path class="line" d="M{leftWidth + 12} {middle}h{GapPx - 32}"/>
            <path class="head" d="M{x - 12} {middle}l-8 -4v8z"/>
            <g transform="translate(0 {CaptionPx})">
            {ShapesOf(left)}</g>
            <g transform="translate({x} {CaptionPx})">
            {ShapesOf(right)}</g>
            </svg>

            """;
        return text.ToString(CultureInfo.InvariantCulture);
    }

    private static (string Svg, int Width, int Height) Drawn(GraphPicture picture)
    {
        using StringWriter text = new() { NewLine = "\n" };
        GraphSvg.Print(text, picture.ToBrief());
        XElement root = XDocument.Parse(text.ToString()).Root!;
        return (text.ToString(), (int)root.Attribute("width")!, (int)root.Attribute("height")!);
    }

    private static string StyleOf(string svg) => Regex.Match(svg, "<style>\n(.*?)</style>", RegexOptions.Singleline).Groups[1].Value;

    // Everything behind the page's own rectangle.
    private static string ShapesOf(string svg) => Regex.Match(svg, "<rect class=\"page\"[^\n]*\n(.*)</svg>", RegexOptions.Singleline).Groups[1].Value;
}
