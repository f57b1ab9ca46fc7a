using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Qapi.Options;

/// <summary>Reads the OPTIONS argument of a command.</summary>
public static class CommandOptions
{
    private const string FileName = "filename";

    /// <summary>
    /// The tree that <paramref name="argument"/> stands for. What begins with <c>{</c> is JSON and with <c>json:</c> a
    /// pseudo-filename; what holds an equals sign is keyval; everything else is a file name, perhaps with a protocol in front.
    /// </summary>
    /// <exception cref="BlockException">It is malformed in the form that it was taken for.</exception>
    public static OptionsDictionary Read(string argument)
    {
        ArgumentNullException.ThrowIfNull(argument);
        if (argument.StartsWith('{'))
        {
            return JsonOptions.Parse(argument);
        }

        if (PseudoFileName.IsPseudoFileName(argument))
        {
            return PseudoFileName.Parse(argument);
        }

        return argument.Contains('=', StringComparison.Ordinal) ? ReadKeyval(argument) : new OptionsDictionary { { FileName, argument } };
    }

    /// <summary>The tree that the argument of <c>--object</c> or <c>--blockdev</c> stands for: JSON where it begins with <c>{</c>, else keyval.</summary>
    /// <param name="argument">The option string or JSON object.</param>
    /// <param name="impliedKey">The key of a first item that is a bare value; null where none may be.</param>
    /// <param name="isHelpWanted">True where keyval asks for help.</param>
    /// <exception cref="BlockException">It is malformed.</exception>
    public static OptionsDictionary ReadKeyvalOrJson(string argument, string? impliedKey, out bool isHelpWanted)
    {
        ArgumentNullException.ThrowIfNull(argument);
        isHelpWanted = false;
        return argument.StartsWith('{') ? JsonOptions.Parse(argument) : KeyvalParser.Parse(argument, impliedKey, out isHelpWanted);
    }

    private static OptionsDictionary ReadKeyval(string argument)
    {
        try
        {
            return KeyvalParser.Parse(argument);
        }
        catch (BlockException failure)
        {
            // A file name or URL with an equals sign in it ends up here.
            throw new BlockException(failure.Kind, failure.Message, failure)
            {
                Hint = $"An argument with '=' is read as key=value,…; a file name that holds one is written as {FileName}=NAME, its commas doubled.",
            };
        }
    }
}
