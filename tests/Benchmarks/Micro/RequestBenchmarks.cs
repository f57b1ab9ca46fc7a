using BenchmarkDotNet.Attributes;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Benchmarks.Micro;

/// <summary>One request at a time on null-co: bare, under layers that a plan skips or must not skip, and with a plan made anew.</summary>
public class RequestBenchmarks
{
    private const int Count = 10_000;
    private readonly byte[] _buffer = new byte[4096];
    private readonly Func<Task> _read;
    private PolledAioContext _context = null!;
    private NodeGraph _graph = null!;
    private BlockBackend _backend = null!;
    private bool _bumpsEpoch;

    public RequestBenchmarks() => _read = ReadManyAsync;

    [GlobalSetup(Target = nameof(NoLayer))]
    public void SetUpNoLayer() => Open("driver=null-co", usesPlans: true);

    [GlobalSetup(Target = nameof(LayerSkippedByPlan))]
    public void SetUpSkipped() => Open("driver=raw,file.driver=null-co", usesPlans: true);

    [GlobalSetup(Target = nameof(LayerWalked))]
    public void SetUpWalked() => Open("driver=raw,file.driver=null-co", usesPlans: false);

    [GlobalSetup(Target = nameof(PlanCompiledEachTime))]
    public void SetUpCompiled()
    {
        Open("driver=raw,file.driver=null-co", usesPlans: true);
        _bumpsEpoch = true;
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _context.Run(async () =>
        {
            await _backend.DisposeAsync();
            await _graph.DisposeAsync();
        });
        _context.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Count, Baseline = true)]
    public void NoLayer() => _context.Run(_read);

    [Benchmark(OperationsPerInvoke = Count)]
    public void LayerSkippedByPlan() => _context.Run(_read);

    [Benchmark(OperationsPerInvoke = Count)]
    public void LayerWalked() => _context.Run(_read);

    [Benchmark(OperationsPerInvoke = Count)]
    public void PlanCompiledEachTime() => _context.Run(_read);

    private void Open(string options, bool usesPlans)
    {
        _context = new PolledAioContext("benchmark");
        BlockDriver[] drivers = [new NullCoDriver(), new RawDriver()];
        _graph = new NodeGraph(MainLoop.Pumped(_context), drivers, new NodeGraphOptions { UsesPlans = usesPlans });
        _context.Run(async () => _backend = await _graph.OpenAsync(KeyvalParser.Parse(options)));
    }

    private async Task ReadManyAsync()
    {
        for (int i = 0; i < Count; i++)
        {
            if (_bumpsEpoch)
            {
                _graph.BumpEpoch();
            }

            await _backend.ReadAsync(0, _buffer);
        }
    }
}
