using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests;

/// <summary>
/// A random chain over memory in a simulated world:
/// <code>backend -> {pass-through | switch-filter | raw | raw with offset | exclusive-writer}* -> memory, alignment 1 or 512</code>
/// </summary>
internal sealed class ScenarioGraph : IDisposable
{
    private const int WindowBytes = 40 * 1024;
    private const int ShiftBytesMax = 5 * 1024;
    private readonly OptionsDictionary _options = [];

    public ScenarioGraph(ScenarioOptions options)
    {
        // The shape has a chance of its own: the same with plans and without.
        SeededRandom shape = new(unchecked((ulong)options.Seed * 0x2545F4914F6CDD1D));
        Fixture = new GraphFixture(new SimulationOptions { Seed = options.Seed }, [new RawDriver()], new NodeGraphOptions { UsesPlans = options.UsesPlans });
        Storage = Fixture.Memory.Storage("disk", WindowBytes + ShiftBytesMax);
        AlignmentBytes = shape.OneIn(2) ? 512 : 1;
        string prefix = "";
        _options["discard"] = "unmap";
        for (int layerCount = shape.Next(5); layerCount > 0; layerCount--)
        {
            _options[prefix + "driver"] = shape.Next(5) switch
            {
                0 => "pass-through",
                1 => "switch-filter",
                2 => "exclusive-writer",
                _ => "raw",
            };
            if (_options.GetText(prefix + "driver") == "raw" && shape.OneIn(2))
            {
                int shift = 512 * (1 + shape.Next(2));
                ShiftBytes += shift;
                _options[prefix + "offset"] = $"{shift}";
            }

            prefix += "file.";
        }

        _options[prefix + "driver"] = "memory";
        _options[prefix + "filename"] = "disk";
        _options[prefix + "node-name"] = "base";
        _options[prefix + "align"] = $"{AlignmentBytes}";
        _options[prefix + "latency-ns-max"] = shape.Next(3) switch { 0 => "0", 1 => "1000", _ => "300000" };
    }

    public GraphFixture Fixture { get; }

    public MemoryStorage Storage { get; }

    public int AlignmentBytes { get; }

    /// <summary>Where the image begins in the storage.</summary>
    public int ShiftBytes { get; }

    public BlockBackend Backend { get; private set; } = null!;

    /// <summary>The nodes of the chain, from the backend's root down.</summary>
    public IReadOnlyList<BlockNode> Chain { get; private set; } = [];

    public async Task OpenAsync()
    {
        Backend = await Fixture.Graph.OpenAsync(_options);
        List<BlockNode> chain = [];
        for (BlockNode? node = Backend.Root; node is not null; node = node.FileChild?.Node)
        {
            chain.Add(node);
        }

        Chain = chain;
    }

    public void Dispose() => Fixture.Dispose();
}
