using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Tools.Img;

/// <summary>What <c>-o</c> says of a new image; given several times, all of it counts.</summary>
internal sealed class NewImageOptions
{
    private readonly List<string> _texts = [];

    /// <summary>There is any.</summary>
    public bool IsGiven => _texts.Count > 0;

    /// <summary>Instead of making an image, tell what can be said.</summary>
    public bool IsHelpWanted => _texts.Exists(text => text.Split(',').Any(word => word is "help" or "?"));

    /// <summary>Takes one.</summary>
    public void Add(string text) => _texts.Add(text);

    /// <summary>Reads all, which may name what <paramref name="schema"/> has.</summary>
    /// <exception cref="BlockException">A text is malformed, or names something else.</exception>
    public OptionsDictionary Read(OptionSchema? schema, Action<OptionWarning> warn)
    {
        OptionsDictionary options = [];
        foreach ((string name, string value) in _texts.SelectMany(text => QemuOptsParser.Parse(text, null, warn).Entries))
        {
            if (schema is null || schema.Definitions.All(definition => definition.Name != name))
            {
                throw new BlockException($"Invalid parameter '{name}'");
            }

            options[name] = value;
        }

        return options;
    }

    /// <summary>Prints what can be said of a new image of <paramref name="format"/> called <paramref name="fileName"/>, and returns exit code 0.</summary>
    /// <exception cref="BlockException">There is no such format or protocol.</exception>
    public static int PrintHelp(ImgCall call, string format, string fileName)
    {
        ImageCreation creation = new(call.World.Graph, format, fileName);
        call.Out.WriteLine("Supported options:");
        foreach (OptionDefinition definition in creation.Options.Definitions.OrderBy(definition => definition.Name, StringComparer.Ordinal))
        {
            string type = definition.Type switch
            {
                OptionType.Size => "size",
                OptionType.Boolean => "bool (on/off)",
                OptionType.Integer => "num",
                _ => "str",
            };
            call.Out.WriteLine($"  {definition.Name + "=<" + type + ">",-22} - {definition.Help}");
        }

        return 0;
    }

    /// <summary>The driver of the format called <paramref name="format"/>.</summary>
    /// <exception cref="BlockException">There is none.</exception>
    public static BlockDriver FindFormat(ImgCall call, string format)
    {
        try
        {
            return call.World.Graph.Drivers.Get(format, call.Name.Profile.SuggestsNearestOption);
        }
        catch (BlockException failure)
        {
            throw new BlockException(failure.Kind, $"Unknown file format '{format}'", failure) { Hint = failure.Hint };
        }
    }
}
