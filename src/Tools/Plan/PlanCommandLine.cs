using System.CommandLine;
using System.CommandLine.Help;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.GraphView;

namespace BlockGraph.Tools.Plan;

/// <summary>The command line of <c>blockgraph plan</c>.</summary>
internal static class PlanCommandLine
{
    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console)
    {
        Argument<string> options = CommonArguments.Options();
        Argument<string[]> changes = new("CHANGE")
        {
            Description = "what to plan, each change one argument; several are one change, made together or not at all",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string[]> objects = CreatedObjects.Option();
        Option<string[]> blockdevs = AddedNodes.Option();
        Option<bool> readOnly = new("--read-only", "-r") { Description = "open without write permission" };
        Option<bool> json = CommonArguments.Json();
        Command command = new("plan", "Open a graph and explain what changes would do to it, and what stands against them, without making them.")
        {
            options, changes, objects, blockdevs, readOnly, json, new HelpOption { Action = new PlanHelp() },
        };
        command.SetAction(parsed =>
        {
            Change[] wanted = [.. parsed.GetRequiredValue(changes).Select(Change.Parse)];
            OptionsDictionary flat = CommandOptions.Read(parsed.GetRequiredValue(options)).Flatten();
            bool isReadOnly = parsed.GetValue(readOnly);
            if (isReadOnly)
            {
                flat["read-only"] = "on";
            }

            return ToolWorld.Run(
                CompatibilityProfile.Own,
                isVirtualTime: false,
                warning => Complaint.Warn(console, CalledName.Own, warning, CompatibilityProfile.Own),
                async world =>
                {
                    if (!await CreatedObjects.TryCreateAsync(world, console, parsed.GetValue(objects) ?? []))
                    {
                        return 0;
                    }

                    await AddedNodes.AddAsync(world, console, parsed.GetValue(blockdevs) ?? []);
                    await using BlockBackend backend = await world.OpenAsync(flat, new BackendOptions { ReadOnly = isReadOnly, AllowsContextChange = true });
                    GraphPlan plan = await RunAsync(backend, wanted);
                    if (parsed.GetValue(json))
                    {
                        PlanJson.Print(console.Out, plan);
                    }
                    else
                    {
                        PlanReport.Print(console.Out, plan);
                    }

                    return plan.IsPossible ? 0 : 1;
                });
        });
        return command;
    }

    private static async Task<GraphPlan> RunAsync(BlockBackend backend, IEnumerable<Change> changes)
    {
        await using PlanWorld world = new(backend.Graph);
        List<GraphEdit> edits = [];
        foreach (Change change in changes)
        {
            edits.Add(await change.MakeEditAsync(world));
        }

        return await backend.Graph.PlanAsync(edits);
    }
}
