using System.Text.RegularExpressions;
using BlockGraph.Architecture.Tests.Repository;

namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>Nothing in <c>src/</c> is left for later: a note to come back is an issue, not a comment.</summary>
internal static partial class UnfinishedWorkRule
{
    public static IEnumerable<string> Violations(SourceFile file)
    {
        string[] lines = file.Text.Split('\n');
        for (int index = 0; index < lines.Length; index++)
        {
            if (Unfinished().Match(lines[index]) is { Success: true } match)
            {
                yield return $"{file.Path}:{index + 1}: {match.Value}";
            }
        }
    }

    [GeneratedRegex(@"\b(TODO|FIXME|HACK)\b|NotImplementedException")]
    private static partial Regex Unfinished();
}
