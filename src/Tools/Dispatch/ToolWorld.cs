using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers;
using BlockGraph.Qapi;

namespace BlockGraph.Tools.Dispatch;

/// <summary>
/// What a command works in: a graph with every driver, on a loop that the calling thread pumps, so that no request changes
/// threads. In virtual time the loop's clock moves only when everything waits for it.
/// </summary>
internal sealed class ToolWorld
{
    private readonly Action<BlockEvent> _tell;
    private readonly List<BlockWarning> _warnings = [];

    // What closing an image has cost: told when the command is over, whatever it said itself.
    private readonly List<BlockWarning> _losses = [];

    private ToolWorld(NodeGraph graph, AioContext context, bool isVirtualTime, Action<BlockEvent> tell)
    {
        Graph = graph;
        Context = context;
        IsVirtualTime = isVirtualTime;
        _tell = tell;
    }

    /// <summary>The graph; closed when the command is over.</summary>
    public NodeGraph Graph { get; }

    /// <summary>The loop that the command runs on.</summary>
    public AioContext Context { get; }

    /// <summary>True where time is simulated.</summary>
    public bool IsVirtualTime { get; }

    /// <summary>Runs <paramref name="body"/> in a world of its own, closes everything, and returns its exit code.</summary>
    /// <param name="profile">Which semantics the graph follows.</param>
    /// <param name="isVirtualTime">Whether time is simulated.</param>
    /// <param name="tell">Told of what a person should know.</param>
    /// <param name="body">The command.</param>
    /// <param name="drivers">Drivers beside those that every world has.</param>
    public static int Run(CompatibilityProfile profile, bool isVirtualTime, Action<BlockEvent> tell, Func<ToolWorld, Task<int>> body, params IReadOnlyList<BlockDriver> drivers)
    {
        if (isVirtualTime)
        {
            using VirtualTimeScheduler time = new();
            return Run(time.MainContext, profile, isVirtualTime, tell, body, drivers);
        }

        // The command waits for its requests anyway, and nobody else is served.
        using PolledAioContext context = new("main") { MayBlock = true, HasOneThread = true };
        return Run(context, profile, isVirtualTime, tell, body, drivers);
    }

    /// <summary>Opens a graph. What there is to warn of is told once that has succeeded: a failure is one line, the error.</summary>
    /// <exception cref="BlockCore.Errors.BlockException">The options, the storage or the permissions refuse.</exception>
    public Task<BlockBackend> OpenAsync(OptionsDictionary options, BackendOptions backendOptions, CancellationToken cancel = default) =>
        OpenAsync(() => Graph.OpenAsync(options, backendOptions, cancel));

    /// <summary>Opens a graph in another way, with warnings held back as above.</summary>
    /// <exception cref="BlockCore.Errors.BlockException">The options, the storage or the permissions refuse.</exception>
    public async Task<BlockBackend> OpenAsync(Func<Task<BlockBackend>> open)
    {
        _warnings.Clear();
        BlockBackend backend = await open();
        _warnings.ForEach(_tell);
        _warnings.Clear();
        return backend;
    }

    // What is wrong with an image is told when it is found, beside whatever fails because of it.
    private void Hear(BlockWarning warning)
    {
        switch (warning)
        {
            case ImageRepaired or ImageCorrupted:
                _tell(warning);
                break;
            case BitmapsLost:
                _losses.Add(warning);
                break;
            default:
                _warnings.Add(warning);
                break;
        }
    }

    private static int Run(
        AioContext context, CompatibilityProfile profile, bool isVirtualTime, Action<BlockEvent> tell, Func<ToolWorld, Task<int>> body, IReadOnlyList<BlockDriver> drivers)
    {
        int exitCode = 1;
        context.Run(async () =>
        {
            await using NodeGraph graph = Compose(context, profile, drivers);
            ToolWorld world = new(graph, context, isVirtualTime, tell);
            using IDisposable warnings = graph.Events.Subscribe<BlockWarning>(world.Hear);
            using IDisposable repairs = graph.Events.Subscribe<ImageRepairStep>(tell);
            exitCode = await body(world);
            world._losses.ForEach(tell);
        });
        return exitCode;
    }

    // Without a container: to build one and ask it for a graph takes a tenth of a short command's time.
    private static NodeGraph Compose(AioContext context, CompatibilityProfile profile, IReadOnlyList<BlockDriver> drivers)
    {
        NodeGraphOptions options = new() { Profile = profile };
        options.UseBlockQapi();
        return new NodeGraph(MainLoop.Pumped(context), [.. BlockDriverServices.CreateBlockDrivers(), .. drivers], options);
    }
}
