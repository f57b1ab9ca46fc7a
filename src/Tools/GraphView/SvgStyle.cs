using System.Text;

namespace BlockGraph.Tools.GraphView;

/// <summary>The style sheet of SVG pictures: light colours, and dark ones where the viewer prefers them.</summary>
internal static class SvgStyle
{
    /// <summary>The sheet. It uses plain rules only, which every viewer knows; one that knows no media queries shows the light picture.</summary>
    public static string Sheet { get; } = Compose();

    private static string Compose()
    {
        StringBuilder sheet = new();
        sheet.Append(
            """
            text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", Verdana, sans-serif; font-size: 11px; }
            .name { font-weight: bold; font-size: 13px; }
            .label { font-size: 10px; }
            .line { fill: none; stroke-width: 1.3; }
            .frozen .line { stroke-width: 2.6; }
            .box { stroke-width: 1.2; }
            .inactive .box { stroke-dasharray: 5 3; }

            """);
        AppendTheme(sheet, isDark: false, "");
        sheet.Append("@media (prefers-color-scheme: dark) {\n");
        AppendTheme(sheet, isDark: true, "  ");
        sheet.Append("}\n");
        return sheet.ToString();
    }

    private static void AppendTheme(StringBuilder sheet, bool isDark, string indent)
    {
        (string page, string ink, string soft, string line, string flag) = isDark
            ? ("#15181f", "#e8ebf2", "#aab2c2", "#8a93a6", "#f0b35e")
            : ("#ffffff", PictureColours.Ink, "#4f586a", "#6b7485", "#9a4d00");
        sheet.Append($"{indent}.page {{ fill: {page}; }}\n");
        sheet.Append($"{indent}text {{ fill: {soft}; }}\n");
        sheet.Append($"{indent}.name {{ fill: {ink}; }}\n");
        sheet.Append($"{indent}.flags {{ fill: {flag}; }}\n");
        sheet.Append($"{indent}.line {{ stroke: {line}; }}\n");
        sheet.Append($"{indent}.head {{ fill: {line}; }}\n");
        foreach (PictureKind kind in Enum.GetValues<PictureKind>())
        {
            (string edge, string fill) = isDark ? PictureColours.OfDark(kind) : PictureColours.Of(kind);
            string name = kind.ToString().ToLowerInvariant();
            sheet.Append($"{indent}.{name} .box {{ fill: {fill}; stroke: {edge}; }}\n");
            sheet.Append($"{indent}.{name} .bar {{ fill: {edge}; }}\n");
        }
    }
}
