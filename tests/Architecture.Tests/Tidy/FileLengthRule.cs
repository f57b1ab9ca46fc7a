using System.Globalization;
using BlockGraph.Architecture.Tests.Repository;

namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>
/// A file has at most 400 lines. One that is longer stands in <c>LongFiles.txt</c> with its length: it may shrink and not grow, and it
/// leaves the list when it has come down. Over 800 nothing helps.
/// </summary>
internal static class FileLengthRule
{
    public const int AimLines = 400;
    public const int HardLines = 800;

    public static IReadOnlyDictionary<string, int> ReadRatchet() => AllowanceFile.Read("Tidy/LongFiles.txt", 2)
        .ToDictionary(row => row[0], row => int.Parse(row[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);

    public static IEnumerable<string> Violations(IReadOnlyCollection<SourceFile> files, IReadOnlyDictionary<string, int> ratchet)
    {
        foreach (SourceFile file in files)
        {
            if (Violation(file, ratchet) is string reason)
            {
                yield return $"{file.Path}: {reason}";
            }
        }

        foreach (string gone in ratchet.Keys.Except(files.Select(file => file.Path)))
        {
            yield return $"{gone}: listed as long, but there is no such file: remove the row";
        }
    }

    private static string? Violation(SourceFile file, IReadOnlyDictionary<string, int> ratchet)
    {
        bool isListed = ratchet.TryGetValue(file.Path, out int listedLines);
        return file.LineCount switch
        {
            > HardLines => $"{file.LineCount} lines; {HardLines} is the end",
            <= AimLines => isListed ? $"is down to {file.LineCount} lines: remove its row" : null,
            _ when !isListed => $"{file.LineCount} lines; more than {AimLines} needs a second concept's file",
            int lines when lines > listedLines => $"grew from {listedLines} to {lines} lines; it may only shrink",
            _ => null,
        };
    }
}
