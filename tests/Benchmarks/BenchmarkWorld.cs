using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers;
using BlockGraph.Qapi.Options;
using Microsoft.Extensions.DependencyInjection;

namespace BlockGraph.Benchmarks;

/// <summary>A graph with this library's drivers on a real loop, which the calling thread runs.</summary>
internal sealed class BenchmarkWorld : IDisposable
{
    private readonly PolledAioContext _context = new("benchmark");

    private BenchmarkWorld(bool usesPlans)
    {
        ServiceCollection services = new();
        services.AddBlockDrivers();
        using ServiceProvider provider = services.BuildServiceProvider();
        Graph = new NodeGraph(MainLoop.Pumped(_context), provider.GetServices<BlockDriver>(), new NodeGraphOptions { UsesPlans = usesPlans });
    }

    /// <summary>The graph.</summary>
    public NodeGraph Graph { get; }

    /// <summary>Opens <paramref name="options"/>, those of a device among them, runs <paramref name="body"/> on the loop of the calling thread, and closes everything.</summary>
    public static void Run(string options, Func<BenchmarkWorld, BlockBackend, Task> body, bool usesPlans = true)
    {
        using BenchmarkWorld world = new(usesPlans);
        world._context.Run(async () =>
        {
            OptionsDictionary all = KeyvalParser.Parse(options);
            await using (BlockBackend backend = await world.Graph.OpenAsync(all, BackendOptions.TakeFrom(all)))
            {
                await body(world, backend);
            }

            await world.Graph.DisposeAsync();
        });
    }

    /// <summary>The lowest node below the backend.</summary>
    public static BlockNode LeafOf(BlockBackend backend)
    {
        BlockNode node = backend.Root!;
        while (node.Children.Count > 0)
        {
            node = node.Children[0].Node;
        }

        return node;
    }

    /// <inheritdoc/>
    public void Dispose() => _context.Dispose();
}
