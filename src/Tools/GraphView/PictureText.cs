using System.Globalization;
using System.Text;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.Tools.GraphView;

/// <summary>What is written in a box or beside an arrow, line by line, in the words of the tree. The first line is the name.</summary>
internal static class PictureText
{
    private static readonly string[] s_units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

    /// <summary>The lines of a box.</summary>
    public static IReadOnlyList<string> Of(PictureNode node)
    {
        List<string> lines = [Visible(node.Name)];
        if (node.Driver is not null)
        {
            lines.Add($"{Visible(node.Driver)} {node.Kind.ToString().ToLowerInvariant()}{(node.LengthBytes is { } length ? $", {Length(length)}" : "")}");
        }

        if (Flags(node) is { Length: > 0 } flags)
        {
            lines.Add(flags);
        }

        if (node.FileName is not null)
        {
            lines.Add($"'{Visible(node.FileName)}'");
        }

        if (node.Context is not null)
        {
            lines.Add($"context {Visible(node.Context)}");
        }

        return lines;
    }

    /// <summary>The lines of an arrow.</summary>
    public static IReadOnlyList<string> Of(PictureEdge edge) => edge.IsBrief ? [NameOf(edge)] :
    [
        NameOf(edge),
        edge.Role == ChildRole.None ? "no role" : string.Join('+', edge.Role.Names()),
        $"may {Words(edge.Permissions.Required)}",
        $"lets others {Words(edge.Permissions.Shared)}",
    ];

    /// <summary>What is out of the ordinary about a node.</summary>
    public static string Flags(PictureNode node)
    {
        List<string> flags = [];
        if (node.IsProbed)
        {
            flags.Add("by probing");
        }

        if (node.IsReadOnly)
        {
            flags.Add("read-only");
        }

        if (node.IsInactive)
        {
            flags.Add("inactive");
        }

        return string.Join(", ", flags);
    }

    /// <summary><paramref name="text"/> on one line: a character that would break it is shown by a sign for it.</summary>
    public static string Visible(string text)
    {
        StringBuilder visible = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            visible.Append(Rune.GetUnicodeCategory(rune) switch
            {
                UnicodeCategory.Control when rune.Value == '\n' => "↵",
                UnicodeCategory.Control when rune.Value == '\t' => "⇥",
                UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => Rune.ReplacementChar.ToString(),
                _ => rune.ToString(),
            });
        }

        return visible.ToString();
    }

    private static string NameOf(PictureEdge edge) => Visible(edge.Name) + (edge.IsFrozen ? " (frozen)" : "");

    private static string Words(BlockPermissions permissions) => permissions == BlockPermissions.None ? "nothing" : permissions.ToText();

    // In the largest unit that divides it.
    private static string Length(long bytes)
    {
        int unit = 0;
        while (bytes != 0 && bytes % 1024 == 0 && unit < s_units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        return bytes == 1 && unit == 0 ? "1 byte" : $"{bytes} {s_units[unit]}";
    }
}
