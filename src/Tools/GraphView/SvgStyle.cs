using System.Text;

namespace BlockGraph.Tools.GraphView;

/// <summary>The style sheet of SVG pictures: light colours, and dark ones where the viewer prefers them.</summary>
internal static class SvgStyle
{
    /// <summary>The class of the picture as a whole: inside a page its rules touch nothing else.</summary>
    public const string Scope = "blockgraph";

    /// <summary>The sheet. It uses plain rules only, which every viewer knows; one that knows no media queries shows the light picture.</summary>
    public static string Sheet { get; } = Compose();

    private static string Compose()
    {
        StringBuilder sheet = new();
        Append(sheet, "text", """font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", Verdana, sans-serif; font-size: 11px;""");
        Append(sheet, ".label", "font-size: 10px;");
        Append(sheet, ".name", "font-weight: bold;");
        Append(sheet, ".title", "font-size: 13px;");
        Append(sheet, ".line", "fill: none; stroke-width: 1.3;");
        Append(sheet, ".frozen .line", "stroke-width: 2.6;");
        Append(sheet, ".box", "stroke-width: 1.2;");
        Append(sheet, ".inactive .box", "stroke-dasharray: 5 3;");
        AppendTheme(sheet, isDark: false);
        sheet.Append("@media (prefers-color-scheme: dark) {\n");
        AppendTheme(sheet, isDark: true);
        sheet.Append("}\n");
        return sheet.ToString();
    }

    private static void AppendTheme(StringBuilder sheet, bool isDark)
    {
        (string page, string ink, string soft, string line, string flag) = isDark
            ? ("#15181f", "#e8ebf2", "#aab2c2", "#8a93a6", "#f0b35e")
            : ("#ffffff", PictureColours.Ink, "#4f586a", "#6b7485", "#9a4d00");
        Append(sheet, ".page", $"fill: {page};");
        Append(sheet, "text", $"fill: {soft};");
        Append(sheet, ".name", $"fill: {ink};");
        Append(sheet, ".flags", $"fill: {flag};");
        Append(sheet, ".line", $"stroke: {line};");
        Append(sheet, ".head", $"fill: {line};");
        foreach (PictureKind kind in Enum.GetValues<PictureKind>())
        {
            (string edge, string fill) = isDark ? PictureColours.OfDark(kind) : PictureColours.Of(kind);
            string name = kind.ToString().ToLowerInvariant();
            Append(sheet, $".{name} .box", $"fill: {fill}; stroke: {edge};");
            Append(sheet, $".{name} .bar", $"fill: {edge};");
        }
    }

    private static void Append(StringBuilder sheet, string selector, string rules) => sheet.Append($".{Scope} {selector} {{ {rules} }}\n");
}
