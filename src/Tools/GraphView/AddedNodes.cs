using System.CommandLine;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.GraphView;

/// <summary>The nodes that a command adds by name before it opens its OPTIONS, so that these, and what is done to them, may refer to them.</summary>
internal static class AddedNodes
{
    /// <summary><c>--blockdev</c>.</summary>
    public static Option<string[]> Option() => new("--blockdev")
    {
        Description = "first add a node of its own from these options, node-name among them, for OPTIONS to refer to; may be repeated",
        HelpName = "OPTIONS",
        AllowMultipleArgumentsPerToken = false,
    };

    /// <summary>Adds the nodes, in the order given. What there is to warn of is told once that has succeeded.</summary>
    /// <exception cref="BlockException">The options, the storage or the permissions refuse.</exception>
    public static async Task AddAsync(ToolWorld world, IToolConsole console, IEnumerable<string> blockdevs)
    {
        List<string> warnings = [];
        using (world.Graph.Events.Subscribe<BlockWarning>(warning => warnings.Add(warning.Message)))
        {
            foreach (string text in blockdevs)
            {
                OptionsDictionary options = CommandOptions.ReadKeyvalOrJson(text, "driver", out bool isHelpWanted);
                if (isHelpWanted)
                {
                    throw new BlockException("Help is not available for this option") { Hint = $"try '{CalledName.Own} drivers'" };
                }

                await world.Graph.AddNodeAsync(options);
            }
        }

        warnings.ForEach(warning => Complaint.Warn(console, CalledName.Own, warning));
    }
}
