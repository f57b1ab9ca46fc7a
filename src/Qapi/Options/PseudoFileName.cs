using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Qapi.Options;

/// <summary>File names that are option trees: <c>json:{"driver": "null-co"}</c>. <i>QEMU: parse_json_protocol() and bdrv_refresh_filename().</i></summary>
public static class PseudoFileName
{
    /// <summary>What such a name begins with.</summary>
    public const string Prefix = "json:";

    /// <summary>The longest name that <see cref="Format"/> makes, in bytes; a longer one ends in an ellipsis instead.</summary>
    public const int MaximumLength = 4095;

    private const string Ellipsis = "...";

    /// <summary>True where <paramref name="name"/> is a pseudo-filename, well-formed or not.</summary>
    public static bool IsPseudoFileName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.StartsWith(Prefix, StringComparison.Ordinal);
    }

    /// <summary>The tree in <paramref name="name"/>; nested and dotted spellings stay as they are.</summary>
    /// <exception cref="BlockException">The name does not begin with the prefix, is not JSON, or is not an object.</exception>
    public static OptionsDictionary Parse(string name)
    {
        if (!IsPseudoFileName(name))
        {
            throw new BlockException($"File name '{name}' does not begin with '{Prefix}'");
        }

        OptionValue value;
        try
        {
            value = JsonOptions.ParseValue(name[Prefix.Length..]);
        }
        catch (BlockException failure)
        {
            throw failure.Prefixed("Could not parse the JSON options: ");
        }

        return value as OptionsDictionary ?? throw JsonOptions.NotAnObject();
    }

    /// <summary>The name that stands for <paramref name="options"/>, on one line and in ASCII. A shortened one can be shown, not opened.</summary>
    public static string Format(OptionsDictionary options)
    {
        string name = Prefix + JsonText.Print(options);
        return name.Length <= MaximumLength ? name : name[..(MaximumLength - Ellipsis.Length)] + Ellipsis;
    }
}
