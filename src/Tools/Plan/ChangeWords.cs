using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Plan;

/// <summary>
/// Reads one CHANGE from left to right: words between blanks. Options and file names, in which blanks may stand, reach from where they begin to
/// a keyword, or to the end. What is wrong is told with the change and the word.
/// </summary>
/// <param name="text">The whole change.</param>
/// <param name="usage">How it should read, for the hint.</param>
internal sealed class ChangeWords(string text, string usage)
{
    private static readonly char[] s_blanks = [' ', '\t', '\n'];
    private int _at;

    /// <summary>True where no word is left.</summary>
    public bool IsAtEnd => Next().Length == 0;

    /// <summary>The word that <paramref name="text"/> begins with; empty where it has none.</summary>
    public static string First(string text) => new ChangeWords(text, "").Next();

    /// <summary>The next word, which is <paramref name="what"/>.</summary>
    /// <exception cref="BlockException">There is none.</exception>
    public string Take(string what)
    {
        string word = Next();
        if (word.Length == 0)
        {
            throw Missing(what);
        }

        _at = text.IndexOf(word, _at, StringComparison.Ordinal) + word.Length;
        return word;
    }

    /// <summary>Passes the keyword <paramref name="keyword"/>.</summary>
    /// <exception cref="BlockException">Another word is there, or none.</exception>
    public void Expect(string keyword)
    {
        string word = Next();
        if (word.Length > 0 && word != keyword)
        {
            throw Failure($"'{keyword}' must stand in place of '{word}'");
        }

        Take($"'{keyword}'");
    }

    /// <summary>Passes the keyword <paramref name="keyword"/> where it is the next word; false where it is not.</summary>
    public bool TryTake(string keyword)
    {
        bool isNext = Next() == keyword;
        if (isNext)
        {
            Take(keyword);
        }

        return isNext;
    }

    /// <summary>Everything up to the last word but one, which is the keyword <paramref name="keyword"/>: <paramref name="what"/>.</summary>
    /// <exception cref="BlockException">The keyword is not there, or nothing is in front of it.</exception>
    public string TakeUntil(string keyword, string what)
    {
        string[] words = text[_at..].Split(s_blanks, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
        {
            throw Missing(what);
        }

        if (words.Length < 3 || words[^2] != keyword)
        {
            throw Failure($"it must end in '{keyword} NODE', with {what} in front of that");
        }

        string rest = text[_at..].TrimEnd(s_blanks);
        string front = rest[..^words[^1].Length].TrimEnd(s_blanks)[..^keyword.Length];
        _at += front.Length;
        return front.Trim(s_blanks);
    }

    /// <summary>Everything that is left: <paramref name="what"/>.</summary>
    /// <exception cref="BlockException">Nothing is.</exception>
    public string TakeRest(string what)
    {
        if (IsAtEnd)
        {
            throw Missing(what);
        }

        string rest = text[_at..].Trim(s_blanks);
        _at = text.Length;
        return rest;
    }

    /// <summary>Makes sure that nothing is left.</summary>
    /// <exception cref="BlockException">Something is.</exception>
    public void End()
    {
        if (!IsAtEnd)
        {
            throw Failure($"'{Next()}' is one word too many");
        }
    }

    /// <summary>What is wrong with the change, with its usage as the hint.</summary>
    public BlockException Failure(string message) => new($"'{text}': {message}") { Hint = $"usage: {usage}" };

    private BlockException Missing(string what)
    {
        string before = text[.._at].Trim(s_blanks);
        return Failure($"{what} missing after '{before[(before.LastIndexOfAny(s_blanks) + 1)..]}'");
    }

    private string Next()
    {
        ReadOnlySpan<char> rest = text.AsSpan(_at).TrimStart(s_blanks);
        int end = rest.IndexOfAny(s_blanks);
        return (end < 0 ? rest : rest[..end]).ToString();
    }
}
