namespace BlockGraph.Qapi.Options;

/// <summary>The two kinds of names that option strings know. <i>QEMU: parse_qapi_name() and id_wellformed().</i></summary>
internal static class OptionName
{
    /// <summary>
    /// True where <paramref name="text"/> is a QAPI name: a letter, then letters, digits, <c>-</c> and <c>_</c>; in
    /// front of it may stand a vendor's <c>__RFQDN_</c>.
    /// </summary>
    internal static bool IsQapiName(ReadOnlySpan<char> text)
    {
        int vendor = VendorLength(text);
        if (vendor < 0)
        {
            return false;
        }

        text = text[vendor..];
        return StartsWithLetterThenOnly(text, '-', '_', '_');
    }

    /// <summary>The length of the vendor's <c>__RFQDN_</c> in front of <paramref name="text"/>; 0 without an underscore there, and -1 where that begins none.</summary>
    internal static int VendorLength(ReadOnlySpan<char> text)
    {
        if (!text.StartsWith("__", StringComparison.Ordinal))
        {
            return text.StartsWith("_", StringComparison.Ordinal) ? -1 : 0;
        }

        int position = 2;
        while (position < text.Length && (char.IsAsciiLetterOrDigit(text[position]) || text[position] is '-' or '.'))
        {
            position++;
        }

        return position < text.Length && text[position] == '_' ? position + 1 : -1;
    }

    /// <summary>True where <paramref name="text"/> may name a set of options: a letter, then letters, digits, <c>-</c>, <c>.</c> and <c>_</c>.</summary>
    internal static bool IsIdentifier(string text) => StartsWithLetterThenOnly(text, '-', '.', '_');

    private static bool StartsWithLetterThenOnly(ReadOnlySpan<char> text, char mark1, char mark2, char mark3)
    {
        if (text.IsEmpty || !char.IsAsciiLetter(text[0]))
        {
            return false;
        }

        foreach (char character in text)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character != mark1 && character != mark2 && character != mark3)
            {
                return false;
            }
        }

        return true;
    }
}
