namespace BlockGraph.Tools.Tests.Differential;

/// <summary>Takes lines, commands and words out of a case for as long as it differs for no known reason.</summary>
internal sealed class CaseReducer(DifferentialRun run)
{
    /// <summary>The smallest case found in the place of <paramref name="unknown"/>.</summary>
    public async Task<UnknownDifference> ReduceAsync(UnknownDifference unknown)
    {
        UnknownDifference least = unknown;
        while (await SmallerAsync(least) is { } smaller)
        {
            least = smaller;
        }

        return least;
    }

    private async Task<UnknownDifference?> SmallerAsync(UnknownDifference least)
    {
        foreach (DifferentialCase smaller in WithoutLines(least.Made).Concat(WithoutWords(least.Made)))
        {
            if ((await run.RunAsync([smaller])).Unknown is [var stillUnknown])
            {
                return stillUnknown;
            }
        }

        return null;
    }

    private static IEnumerable<DifferentialCase> WithoutLines(DifferentialCase made) =>
        made.Lines.Count < 2 ? [] : Enumerable.Range(0, made.Lines.Count).Reverse().Select(gone => made with { Lines = [.. made.Lines.Where((_, i) => i != gone)] });

    // An option with its value goes as one.
    private static IEnumerable<DifferentialCase> WithoutWords(DifferentialCase made)
    {
        for (int line = made.Lines.Count - 1; line >= 0; line--)
        {
            IReadOnlyList<string> words = made.Lines[line].Words;
            for (int word = words.Count - 2; word > 0; word--)
            {
                if (words[word].StartsWith('-'))
                {
                    int count = words[word] is "-c" or "-o" or "-b" or "-F" or "-f" or "-O" or "-B" or "-l" or "-S" or "-m" or "-r" or "-t" or "-T" or "-g" or "--merge" or "-d" or "-a" or "-s" ? 2 : 1;
                    CommandLine[] lines = [.. made.Lines];
                    lines[line] = new CommandLine([.. words.Take(word), .. words.Skip(word + count)]);
                    yield return made with { Lines = lines };
                }
            }
        }
    }
}
