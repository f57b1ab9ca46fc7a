using System.CommandLine;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.DriverList;

/// <summary>The command line of <c>blockgraph drivers</c>.</summary>
internal static class DriversCommandLine
{
    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console)
    {
        Argument<string?> name = new("NAME") { Description = "one driver; all of them without it", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> json = CommonArguments.Json();
        Command command = new("drivers", "List the drivers with their options.") { name, json };
        command.SetAction(parsed => ToolWorld.Run(CompatibilityProfile.Own, isVirtualTime: false, _ => { }, world =>
        {
            string? wanted = parsed.GetValue(name);
            DriverRegistry registry = world.Graph.Drivers;
            IReadOnlyList<BlockDriver> drivers = wanted is null
                ? [.. registry.All.OrderBy(driver => driver.Name, StringComparer.Ordinal)]
                : [registry.Get(wanted, suggestsNearest: true)];
            if (parsed.GetValue(json))
            {
                DriverJson.Print(console.Out, drivers);
            }
            else
            {
                DriverText.Print(console.Out, drivers);
            }

            return Task.FromResult(0);
        }));
        return command;
    }
}
