using System.Text;

namespace BlockGraph.Qapi.Options;

/// <summary>Walks over the comma-separated items of an option string; the two grammars share it.</summary>
internal sealed class OptionStringScanner(string text)
{
    private int _position;

    /// <summary>True where nothing is left.</summary>
    internal bool IsAtEnd => _position >= text.Length;

    /// <summary>The text up to the next equals sign, comma or end; it is consumed, the mark behind it is not.</summary>
    internal string TakeName() => TakeUntil("=,");

    /// <summary>The text up to the next comma or end; it is consumed, the comma is not.</summary>
    internal string TakeBareValue() => TakeUntil(",");

    /// <summary>Consumes an equals sign if one is next.</summary>
    internal bool TakeEquals() => TakeMark('=');

    /// <summary>Consumes a comma if one is next.</summary>
    internal bool TakeComma() => TakeMark(',');

    /// <summary>The value up to the next single comma or end, doubled commas halved; it is consumed, the comma is not.</summary>
    internal string TakeEscapedValue()
    {
        StringBuilder value = new();
        while (true)
        {
            value.Append(TakeUntil(","));
            if (_position + 1 >= text.Length || text[_position + 1] != ',')
            {
                return value.ToString();
            }

            value.Append(',');
            _position += 2;
        }
    }

    /// <summary>Goes back over <paramref name="name"/>, which was just taken.</summary>
    internal void PutBack(string name) => _position -= name.Length;

    private string TakeUntil(string marks)
    {
        int length = text.AsSpan(_position).IndexOfAny(marks);
        int end = length < 0 ? text.Length : _position + length;
        string taken = text[_position..end];
        _position = end;
        return taken;
    }

    private bool TakeMark(char mark)
    {
        bool isNext = !IsAtEnd && text[_position] == mark;
        _position += isNext ? 1 : 0;
        return isNext;
    }
}
