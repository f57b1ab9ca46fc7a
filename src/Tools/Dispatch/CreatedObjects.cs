using System.CommandLine;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Tools.Dispatch;

/// <summary>The objects that a command creates by type and id before it opens anything, so that options may refer to them.</summary>
internal static class CreatedObjects
{
    private const string ImpliedKey = "qom-type";

    /// <summary><c>--object</c>.</summary>
    public static Option<string[]> Option() => new("--object")
    {
        Description = "first create an object, such as throttle-group,id=g0,limits.iops-total=100, for options to refer to; may be repeated; 'help' lists the types, 'TYPE,help' their options",
        HelpName = "TYPE,id=ID,...",
        AllowMultipleArgumentsPerToken = false,
    };

    /// <summary>Creates <paramref name="objects"/>, in the order given; false where one asks for help instead, which is printed.</summary>
    /// <exception cref="BlockCore.Errors.BlockException">One is malformed, or its id is taken.</exception>
    public static async Task<bool> TryCreateAsync(ToolWorld world, IToolConsole console, IEnumerable<string> objects)
    {
        ObjectTree tree = world.Graph.ObjectTree;
        foreach (string text in objects)
        {
            OptionsDictionary options = CommandOptions.ReadKeyvalOrJson(text, ImpliedKey, out bool isHelpWanted);
            if (isHelpWanted)
            {
                PrintHelp(console.Out, tree.Types, options.GetText(ImpliedKey));
                return false;
            }

            await tree.AddAsync(options);
        }

        return true;
    }

    private static void PrintHelp(TextWriter output, UserObjectTypes types, string? typeName)
    {
        if (typeName is null)
        {
            output.WriteLine("List of user creatable objects:");
            foreach (UserObjectType type in types.All)
            {
                output.WriteLine($"  {type.Name}");
            }

            return;
        }

        output.WriteLine($"{typeName} options:");
        foreach (OptionDefinition definition in types.Get(typeName).Options.Definitions)
        {
            output.WriteLine($"  {$"{definition.Name}=<{TypeWord(definition.Type)}>",-38} - {definition.Help}");
        }
    }

    private static string TypeWord(OptionType type) => type switch
    {
        OptionType.Integer => "int",
        OptionType.Boolean => "bool",
        OptionType.Size => "size",
        _ => "str",
    };
}
