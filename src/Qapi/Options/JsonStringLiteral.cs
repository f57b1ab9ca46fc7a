using System.Globalization;
using System.Text;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Qapi.Options;

/// <summary>Decodes JSON strings. <i>QEMU: parse_string() of its JSON parser.</i></summary>
internal static class JsonStringLiteral
{
    private const int UnicodeDigits = 4;

    /// <summary>What <paramref name="literal"/>, with its quotes, stands for.</summary>
    /// <exception cref="BlockException">An escape is unknown, or a code is half a pair or no character.</exception>
    internal static string Decode(string literal)
    {
        StringBuilder content = new(literal.Length);
        int position = 1;
        while (position < literal.Length - 1)
        {
            content.Append(literal[position] == '\\' ? TakeEscape(literal, ref position) : TakeCharacter(literal, ref position));
        }

        return content.ToString();
    }

    private static string TakeCharacter(string literal, ref int position)
    {
        int width = char.IsSurrogatePair(literal, position) ? 2 : 1;
        string character = literal.Substring(position, width);
        if ((width == 1 && char.IsSurrogate(character[0])) || IsNoncharacter(char.ConvertToUtf32(character, 0)))
        {
            throw JsonOptions.ParseFailure("invalid UTF-8 sequence in string");
        }

        position += width;
        return character;
    }

    private static string TakeEscape(string literal, ref int position)
    {
        char escape = literal[position + 1];
        if (escape == 'u')
        {
            return TakeUnicode(literal, ref position);
        }

        position += 2;
        return escape switch
        {
            'b' => "\b",
            'f' => "\f",
            'n' => "\n",
            'r' => "\r",
            't' => "\t",
            '"' or '\'' or '\\' or '/' => escape.ToString(),
            _ => throw JsonOptions.ParseFailure("invalid escape sequence in string"),
        };
    }

    private static string TakeUnicode(string literal, ref int position)
    {
        string shown = literal.Substring(position, Math.Min(2 + UnicodeDigits, literal.Length - position));
        int? code = ReadCode(literal, position);
        position += 2 + UnicodeDigits;
        if (code is { } high && char.IsHighSurrogate((char)high) && ReadCode(literal, position) is { } low && char.IsLowSurrogate((char)low))
        {
            position += 2 + UnicodeDigits;
            code = char.ConvertToUtf32((char)high, (char)low);
        }

        return code is { } point && Rune.IsValid(point) && !IsNoncharacter(point)
            ? char.ConvertFromUtf32(point)
            : throw JsonOptions.ParseFailure($"{shown} is not a valid Unicode character");
    }

    // The value of the \uXXXX at the position; null where there is none.
    private static int? ReadCode(string literal, int position)
    {
        bool isThere = position + 2 + UnicodeDigits < literal.Length && literal[position] == '\\' && literal[position + 1] == 'u';
        return isThere && int.TryParse(literal.AsSpan(position + 2, UnicodeDigits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            ? code
            : null;
    }

    // Unicode sets the last two of each plane and 32 in the first apart: never characters.
    private static bool IsNoncharacter(int point) => (point & 0xFFFE) == 0xFFFE || point is >= 0xFDD0 and <= 0xFDEF;
}
