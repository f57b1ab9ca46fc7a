using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit.Cow;
using BlockGraph.TestKit.Drawing;

namespace BlockGraph.TestKit;

/// <summary>A graph in a simulated world: run the test's body on its main context with <see cref="Run"/>.</summary>
public sealed class GraphFixture : IDisposable
{
    private readonly Dictionary<string, AioContext> _contexts = [];

    /// <summary>A world that follows <paramref name="options"/>, with <paramref name="drivers"/> and the test kit's own, and with <paramref name="objectTypes"/>.</summary>
    public GraphFixture(
        SimulationOptions? options = null, IEnumerable<BlockDriver>? drivers = null, NodeGraphOptions? graphOptions = null, IEnumerable<UserObjectType>? objectTypes = null)
    {
        graphOptions ??= new NodeGraphOptions();
        graphOptions.Profile = ReferenceEquals(graphOptions.Profile, CompatibilityProfile.Own) ? Profile : graphOptions.Profile;
        graphOptions.StepHook ??= name => StepHook?.Invoke(name);
        World = new Simulation(options ?? new SimulationOptions { HasExactTime = true });
        Memory = new MemoryProtocol(World.Chance);
        Faulty = new FaultyProtocol(Memory, World.Chance, unchecked((ulong)(options?.Seed ?? 0)));
        Graph = new NodeGraph(
            MainLoop.Pumped(World.MainContext),
            [Memory, Faulty, Scripted, new PassThroughDriver(), new NoPermissionDriver(), new ExclusiveWriterDriver(), Switches, Roles, new MagicFormatDriver(), new CowDriver(), .. drivers ?? []],
            graphOptions,
            objectTypes);
    }

    private bool _isAbandoned;

    /// <summary>This project's own semantics; images may name others that are in this world's memory.</summary>
    public static CompatibilityProfile Profile { get; } = CompatibilityProfile.Own with { ImplicitOpenGate = ImplicitOpenGate.AllowProtocols("memory", "faulty", "scripted") };

    /// <summary>The world.</summary>
    public Simulation World { get; }

    /// <summary>The graph.</summary>
    public NodeGraph Graph { get; }

    /// <summary>The driver called <c>memory</c>.</summary>
    public MemoryProtocol Memory { get; }

    /// <summary>The driver called <c>faulty</c>.</summary>
    public FaultyProtocol Faulty { get; }

    /// <summary>The driver called <c>scripted</c>.</summary>
    public ScriptedProtocol Scripted { get; } = new();

    /// <summary>The driver called <c>switch-filter</c>.</summary>
    public SwitchFilterDriver Switches { get; } = new();

    /// <summary>The driver called <c>any-role</c>.</summary>
    public RoleDriver Roles { get; } = new();

    /// <summary>Called with its name at every step of an operation of the graph; throw from it to make the operation fail there. Null for nothing.</summary>
    public Action<string>? StepHook { get; set; }

    /// <summary>The context of nodes and backends.</summary>
    public AioContext Context => World.MainContext;

    /// <summary>Runs the world until <paramref name="body"/> has completed.</summary>
    public void Run(Func<Task> body) => World.Run(body);

    /// <summary>Reads <c>key=value,key=value</c>; values hold no commas.</summary>
    public static OptionsDictionary Options(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        OptionsDictionary options = [];
        foreach (string part in text.Split(','))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            options[part[..equals]] = part[(equals + 1)..];
        }

        return options;
    }

    /// <summary>Opens a tree under a new backend; the options as <see cref="Options"/> reads them.</summary>
    public Task<BlockBackend> OpenAsync(string options, BackendOptions? backend = null) => Graph.OpenAsync(Options(options), backend);

    /// <summary>Adds a node that the graph keeps; the options as <see cref="Options"/> reads them.</summary>
    public Task<BlockNode> AddAsync(string options) => Graph.AddNodeAsync(Options(options));

    /// <summary>The world has come to a bad end: nothing in it is closed.</summary>
    public void Abandon() => _isAbandoned = true;

    /// <summary>Builds what <paramref name="drawing"/> shows, and returns its backends; see <see cref="GraphBuilder"/>. <c>@NAME</c> is the context <see cref="ContextOf"/> gives.</summary>
    public Task<IReadOnlyList<BlockBackend>> BuildAsync(string drawing) => new GraphBuilder(Graph, ContextOf).BuildAsync(drawing);

    /// <summary>The graph as it is now.</summary>
    public GraphPicture Picture() => GraphPicture.Of(Graph);

    /// <summary>The context of the world called <paramref name="name"/>; made on first use.</summary>
    public AioContext ContextOf(string name)
    {
        if (!_contexts.TryGetValue(name, out AioContext? context))
        {
            context = name == Context.Name ? Context : World.CreateContext(name);
            _contexts.Add(name, context);
        }

        return context;
    }

    /// <summary>Closes the graph, then the world.</summary>
    public void Dispose()
    {
        if (!_isAbandoned)
        {
            World.Run(async () => await Graph.DisposeAsync());
        }

        World.Dispose();
    }
}
