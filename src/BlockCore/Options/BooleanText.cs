using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Options;

/// <summary>The grammar of booleans in option strings; case matters. <i>QEMU: qapi_bool_parse().</i></summary>
public static class BooleanText
{
    /// <summary>Reads on, yes, true, y as true and off, no, false, n as false.</summary>
    /// <param name="text">What the option string has behind the equals sign.</param>
    /// <param name="value">The boolean; false where the text is none.</param>
    /// <returns>False where the text is no boolean.</returns>
    public static bool TryParse(string text, out bool value)
    {
        value = text is "on" or "yes" or "true" or "y";
        return value || text is "off" or "no" or "false" or "n";
    }

    /// <summary>The boolean in <paramref name="text"/>.</summary>
    /// <param name="parameterName">The option's name, for the error text.</param>
    /// <param name="text">What the option string has behind the equals sign.</param>
    /// <exception cref="BlockException">It is none of the eight words.</exception>
    public static bool Parse(string parameterName, string text) => TryParse(text, out bool value)
        ? value
        : throw new BlockException($"Parameter '{parameterName}' expects 'on' or 'off'");
}
