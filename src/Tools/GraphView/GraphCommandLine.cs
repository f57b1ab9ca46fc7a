using System.CommandLine;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.GraphView;

/// <summary>The command line of <c>blockgraph graph</c>.</summary>
internal static class GraphCommandLine
{
    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console)
    {
        Argument<string> options = CommonArguments.Options();
        Option<bool> readOnly = new("--read-only", "-r") { Description = "open without write permission" };
        Option<bool> json = CommonArguments.Json();
        Command command = new("graph", "Open a graph and show its nodes, edges and permissions.") { options, readOnly, json };
        command.SetAction(parsed => ToolWorld.Run(
            CompatibilityProfile.Own,
            isVirtualTime: false,
            warning => Complaint.Warn(console, CalledName.Own, warning),
            world => RunAsync(world, console, parsed.GetRequiredValue(options), parsed.GetValue(readOnly), parsed.GetValue(json))));
        return command;
    }

    private static async Task<int> RunAsync(ToolWorld world, IToolConsole console, string options, bool isReadOnly, bool isJson)
    {
        BlockCore.Options.OptionsDictionary flat = CommandOptions.Read(options).Flatten();
        if (isReadOnly)
        {
            flat["read-only"] = "on";
        }

        await using BlockBackend backend = await world.OpenAsync(flat, new BackendOptions { ReadOnly = isReadOnly });
        if (isJson)
        {
            GraphJson.Print(console.Out, backend);
        }
        else
        {
            GraphTree.Print(console.Out, backend);
        }

        return 0;
    }
}
