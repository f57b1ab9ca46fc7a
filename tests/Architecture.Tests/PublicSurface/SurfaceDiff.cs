namespace BlockGraph.Architecture.Tests.PublicSurface;

/// <summary>Compares two surface texts: what is gone starts with <c>-</c>, what is new with <c>+</c>, each under its type.</summary>
internal static class SurfaceDiff
{
    public static IReadOnlyList<string> Between(string expected, string actual)
    {
        List<string> before = Flatten(expected);
        List<string> after = Flatten(actual);
        return [.. before.Except(after).Select(line => $"- {line}"), .. after.Except(before).Select(line => $"+ {line}")];
    }

    /// <summary>One line a type or member, the member with its type's header before it.</summary>
    private static List<string> Flatten(string text)
    {
        List<string> lines = [];
        string header = string.Empty;
        foreach (string line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            if (line.Length == 0 || line.StartsWith('#'))
            {
                continue;
            }

            bool isMember = line.StartsWith(' ');
            header = isMember ? header : line;
            lines.Add(isMember ? $"{header} {{ {line.Trim()} }}" : line);
        }

        return lines;
    }
}
