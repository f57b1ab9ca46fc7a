using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Qapi.Options;

/// <summary>
/// Cuts JSON text into words, one whole value at a time: until its brackets balance, close too often, or the text ends.
/// Strings may have single quotes. <i>QEMU: json-lexer and json-streamer.</i>
/// </summary>
internal sealed class JsonLexer(string text)
{
    /// <summary>How many words one value may have.</summary>
    internal const int MaximumLexemes = 2 << 20;

    private int _position;

    /// <summary>The words of the next value; none where only white space is left.</summary>
    /// <exception cref="BlockException">Something is no word, or the value nests too deep or is too long.</exception>
    internal List<JsonLexeme> ReadValue()
    {
        List<JsonLexeme> lexemes = [];
        int braces = 0;
        int brackets = 0;
        while (!IsAtEnd())
        {
            JsonLexeme lexeme = Next();
            lexemes.Add(lexeme);
            braces += BalanceOf(lexeme.Kind, JsonLexemeKind.ObjectStart, JsonLexemeKind.ObjectEnd);
            brackets += BalanceOf(lexeme.Kind, JsonLexemeKind.ListStart, JsonLexemeKind.ListEnd);
            if (braces + brackets > JsonOptions.MaximumNesting)
            {
                throw new BlockException("JSON nesting depth limit exceeded");
            }

            if (lexemes.Count > MaximumLexemes)
            {
                throw new BlockException("JSON token count limit exceeded");
            }

            if (braces < 0 || brackets < 0 || (braces == 0 && brackets == 0))
            {
                break;
            }
        }

        return lexemes;
    }

    /// <summary>True where only white space is left; it is consumed.</summary>
    internal bool IsAtEnd()
    {
        while (_position < text.Length && text[_position] is ' ' or '\t' or '\r' or '\n')
        {
            _position++;
        }

        return _position == text.Length;
    }

    private static int BalanceOf(JsonLexemeKind kind, JsonLexemeKind start, JsonLexemeKind end) => kind == start ? 1 : kind == end ? -1 : 0;

    private static JsonLexemeKind? MarkOf(char character) => character switch
    {
        '{' => JsonLexemeKind.ObjectStart,
        '}' => JsonLexemeKind.ObjectEnd,
        '[' => JsonLexemeKind.ListStart,
        ']' => JsonLexemeKind.ListEnd,
        ',' => JsonLexemeKind.Comma,
        ':' => JsonLexemeKind.Colon,
        _ => null,
    };

    private JsonLexeme Next()
    {
        int start = _position;
        char first = text[_position];
        JsonLexemeKind kind;
        if (MarkOf(first) is { } mark)
        {
            _position++;
            kind = mark;
        }
        else if (first is '"' or '\'')
        {
            kind = TakeString(start, first);
        }
        else if (char.IsAsciiLetterLower(first))
        {
            TakeWhile(char.IsAsciiLetterLower);
            kind = JsonLexemeKind.Keyword;
        }
        else
        {
            kind = TakeNumber(start);
        }

        return new JsonLexeme(kind, text[start.._position]);
    }

    private JsonLexemeKind TakeString(int start, char quote)
    {
        _position++;
        while (Peek() != quote)
        {
            bool isEscape = Peek() == '\\';
            _position += isEscape ? 1 : 0;
            if (Peek() is null or < ' ')
            {
                throw Stray(start);
            }

            _position++;
        }

        _position++;
        return JsonLexemeKind.String;
    }

    // No plus sign, no leading zeros, a digit on both sides of the point.
    private JsonLexemeKind TakeNumber(int start)
    {
        _position += Peek() == '-' ? 1 : 0;
        bool isZero = Peek() == '0';
        TakeDigits(start, isZero ? 1 : int.MaxValue);
        if (isZero && Peek() is >= '0' and <= '9')
        {
            throw Stray(start);
        }

        JsonLexemeKind kind = JsonLexemeKind.Integer;
        if (Peek() == '.')
        {
            _position++;
            TakeDigits(start, int.MaxValue);
            kind = JsonLexemeKind.Real;
        }

        if (Peek() is 'e' or 'E')
        {
            _position++;
            _position += Peek() is '+' or '-' ? 1 : 0;
            TakeDigits(start, int.MaxValue);
            kind = JsonLexemeKind.Real;
        }

        return kind;
    }

    private void TakeDigits(int start, int maximum)
    {
        int count = 0;
        while (count < maximum && Peek() is >= '0' and <= '9')
        {
            _position++;
            count++;
        }

        if (count == 0)
        {
            throw Stray(start);
        }
    }

    private void TakeWhile(Func<char, bool> belongs)
    {
        while (_position < text.Length && belongs(text[_position]))
        {
            _position++;
        }
    }

    private char? Peek() => _position < text.Length ? text[_position] : null;

    // Shows what was read so far and the character that does not fit, both halves of it where it has two.
    private BlockException Stray(int start)
    {
        int width = _position == text.Length ? 0 : char.IsSurrogatePair(text, _position) ? 2 : 1;
        return JsonOptions.ParseFailure($"stray '{text[start..(_position + width)]}'");
    }
}
