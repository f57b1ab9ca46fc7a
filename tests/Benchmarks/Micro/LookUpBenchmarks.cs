using BenchmarkDotNet.Attributes;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Benchmarks.Micro;

/// <summary>Finding something by its name: a node among many, a driver, an option of a driver.</summary>
public class LookUpBenchmarks
{
    private readonly OptionSchema _options = new ThrottleFilterDriver().Options;
    private PolledAioContext _context = null!;
    private NodeGraph _graph = null!;
    private string _name = null!;

    /// <summary>How many nodes the graph has.</summary>
    [Params(10, 10_000)]
    public int NodeCount { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _context = new PolledAioContext("benchmark");
        _graph = new NodeGraph(MainLoop.Pumped(_context), [new NullCoDriver(), new RawDriver()]);
        _name = $"node{NodeCount / 2}";
        _context.Run(async () =>
        {
            for (int i = 0; i < NodeCount; i++)
            {
                await _graph.AddNodeAsync(KeyvalParser.Parse($"driver=null-co,node-name=node{i}"));
            }
        });
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _context.Run(async () => await _graph.DisposeAsync());
        _context.Dispose();
    }

    [Benchmark(Baseline = true)]
    public BlockNode? NodeByName() => _graph.FindNode(_name);

    [Benchmark]
    public BlockNode? NodeThatIsNotThere() => _graph.FindNode("nobody");

    [Benchmark]
    public BlockDriver DriverByName() => _graph.Drivers.Get("raw");

    [Benchmark]
    public bool OptionByName() => _options.TryResolve("limits.iops-total", out _);
}
