using System.Globalization;
using System.Text;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Qapi.Options;

/// <summary>
/// Prints option values as JSON in ASCII, keys in <see cref="QemuKeyOrder"/>: on one line as in <c>json:</c> names and on
/// a QMP wire, or indented as in <c>--output=json</c>. A real number that is not finite prints as <c>inf</c> or <c>nan</c>,
/// which JSON does not have. <i>QEMU: qobject_to_json_pretty().</i>
/// </summary>
public static class JsonText
{
    private const int IndentWidth = 4;

    /// <summary>The JSON text of <paramref name="value"/>.</summary>
    /// <param name="value">Any tree.</param>
    /// <param name="isPretty">True for a line per member, indented by four spaces; false for one line.</param>
    public static string Print(OptionValue value, bool isPretty = false)
    {
        ArgumentNullException.ThrowIfNull(value);
        StringBuilder text = new();
        Append(text, value, isPretty ? 0 : null);
        return text.ToString();
    }

    // The indent is null on one line.
    private static void Append(StringBuilder text, OptionValue value, int? indent)
    {
        switch (value)
        {
            case OptionsDictionary dictionary:
                AppendDictionary(text, dictionary, indent);
                break;
            case OptionsList list:
                AppendList(text, list, indent);
                break;
            case OptionText { Text: var content }:
                AppendString(text, content);
                break;
            case OptionBoolean boolean:
                text.Append(boolean.Value ? "true" : "false");
                break;
            case OptionNull:
                text.Append("null");
                break;
            default:
                text.Append(value.AsText);
                break;
        }
    }

    private static void AppendDictionary(StringBuilder text, OptionsDictionary dictionary, int? indent)
    {
        text.Append('{');
        string separator = "";
        foreach ((string key, OptionValue item) in QemuKeyOrder.Sort(dictionary))
        {
            AppendItemStart(text, separator, indent);
            AppendString(text, key);
            text.Append(": ");
            Append(text, item, indent + IndentWidth);
            separator = ",";
        }

        AppendEnd(text, '}', indent);
    }

    private static void AppendList(StringBuilder text, OptionsList list, int? indent)
    {
        text.Append('[');
        string separator = "";
        foreach (OptionValue item in list)
        {
            AppendItemStart(text, separator, indent);
            Append(text, item, indent + IndentWidth);
            separator = ",";
        }

        AppendEnd(text, ']', indent);
    }

    private static void AppendItemStart(StringBuilder text, string separator, int? indent)
    {
        text.Append(separator);
        if (indent is { } width)
        {
            text.Append('\n').Append(' ', width + IndentWidth);
        }
        else if (separator.Length > 0)
        {
            text.Append(' ');
        }
    }

    // An indented container ends on a line of its own even when it is empty.
    private static void AppendEnd(StringBuilder text, char end, int? indent)
    {
        if (indent is { } width)
        {
            text.Append('\n').Append(' ', width);
        }

        text.Append(end);
    }

    private static void AppendString(StringBuilder text, string content)
    {
        text.Append('"');
        for (int i = 0; i < content.Length; i++)
        {
            char character = content[i];
            if (ShortEscapeOf(character) is { } escape)
            {
                text.Append('\\').Append(escape);
            }
            else if (character is >= ' ' and < '\x7F')
            {
                text.Append(character);
            }
            else
            {
                bool isPaired = char.IsSurrogatePair(content, i) || (i > 0 && char.IsSurrogatePair(content, i - 1));
                char shown = char.IsSurrogate(character) && !isPaired ? '\uFFFD' : character;
                text.Append("\\u").Append(((int)shown).ToString("X4", CultureInfo.InvariantCulture));
            }
        }

        text.Append('"');
    }

    private static char? ShortEscapeOf(char character) => character switch
    {
        '"' or '\\' => character,
        '\b' => 'b',
        '\f' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        _ => null,
    };
}
