using System.Buffers;

namespace BlockGraph.TestKit.Drawing;

/// <summary>Reads one line of a drawing from left to right.</summary>
internal sealed class DrawingScanner(string text, int line)
{
    private static readonly SearchValues<char> s_nameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._#");
    private int _at;

    /// <summary>The number of the line, the first being 1.</summary>
    public int Line => line;

    /// <summary>The column of the next character, the first being 1.</summary>
    public int Column
    {
        get
        {
            SkipBlanks();
            return _at + 1;
        }
    }

    /// <summary>True where nothing but a comment is left.</summary>
    public bool IsAtEnd
    {
        get
        {
            SkipBlanks();
            return _at == text.Length || text.AsSpan(_at).StartsWith("//");
        }
    }

    /// <summary>True for a line that begins with a blank: it belongs to the one before.</summary>
    public bool IsIndented => text.Length > 0 && char.IsWhiteSpace(text[0]);

    /// <summary>True where <paramref name="token"/> is next; it is not taken.</summary>
    public bool IsNext(string token)
    {
        SkipBlanks();
        return text.AsSpan(_at).StartsWith(token);
    }

    /// <summary>Takes <paramref name="token"/>, if it is next.</summary>
    public bool TryTake(string token)
    {
        bool isThere = IsNext(token);
        _at += isThere ? token.Length : 0;
        return isThere;
    }

    /// <summary>Takes a whole word, if it is next.</summary>
    public bool TryTakeWord(string word)
    {
        bool isThere = IsNext(word) && (_at + word.Length == text.Length || !s_nameCharacters.Contains(text[_at + word.Length]));
        _at += isThere ? word.Length : 0;
        return isThere;
    }

    /// <summary>Takes <paramref name="token"/>.</summary>
    public void Take(string token, string where)
    {
        if (!TryTake(token))
        {
            throw Fail($"expected '{token}' {where}");
        }
    }

    /// <summary>Takes a name; <paramref name="what"/> it is says the error.</summary>
    public string TakeName(string what)
    {
        SkipBlanks();
        int end = _at;
        while (end < text.Length && s_nameCharacters.Contains(text[end]) && !text.AsSpan(end).StartsWith("->"))
        {
            end++;
        }

        if (end == _at)
        {
            throw Fail($"expected {what}");
        }

        string name = text[_at..end];
        _at = end;
        return name;
    }

    /// <summary>Takes the value of an option: text in quotes, or everything up to a comma or a closing parenthesis.</summary>
    public string TakeValue()
    {
        SkipBlanks();
        if (TryTake("\""))
        {
            int quote = text.IndexOf('"', _at);
            if (quote < 0)
            {
                throw Fail("expected a closing '\"'");
            }

            string quoted = text[_at..quote];
            _at = quote + 1;
            return quoted;
        }

        int end = text.AsSpan(_at).IndexOfAny(',', ')');
        string value = end < 0 ? text[_at..] : text.Substring(_at, end);
        _at += value.Length;
        return value.TrimEnd();
    }

    /// <summary>Takes what stands in braces, if that is next: facts that are drawn and not built.</summary>
    public void SkipFacts()
    {
        if (!TryTake("{"))
        {
            return;
        }

        int end = text.IndexOf('}', _at);
        if (end < 0)
        {
            throw Fail("expected a closing '}'");
        }

        _at = end + 1;
    }

    /// <summary>Nothing more may stand on the line.</summary>
    public void TakeEnd()
    {
        if (!IsAtEnd)
        {
            throw Fail("expected the end of the line");
        }
    }

    /// <summary>The failure that something is wrong at the next character, or at <paramref name="column"/>.</summary>
    public DrawingException Fail(string problem, int? column = null) => new(line, column ?? Column, problem, text);

    private void SkipBlanks()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }
    }
}
