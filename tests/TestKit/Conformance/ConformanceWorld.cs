using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit.Drawing;

namespace BlockGraph.TestKit.Conformance;

/// <summary>A simulated world with one node of the driver under test, for one run of one check.</summary>
internal sealed class ConformanceWorld
{
    private readonly DriverConformance _suite;
    private readonly List<string> _troubles = [];
    private BlockBackend? _backend;
    private ByteModel? _model;

    public ConformanceWorld(DriverConformance suite, ConformanceSetting setting)
    {
        _suite = suite;
        Setting = setting;
        Fixture = new GraphFixture(new SimulationOptions { Seed = setting.Seed }, suite.CreateDrivers());
        Fixture.Graph.Events.Subscribe<BlockWarning>(warning =>
        {
            if (warning.Message.Contains("failed to close", StringComparison.Ordinal))
            {
                _troubles.Add(warning.Message);
            }
        });
        suite.Prepare(this);
    }

    public ConformanceSetting Setting { get; }

    public GraphFixture Fixture { get; }

    public NodeGraph Graph => Fixture.Graph;

    public AioContext Home => Fixture.Context;

    /// <summary>Chance for the workload, apart from that of the scheduling.</summary>
    public SeededRandom Chance => Fixture.World.Chance;

    /// <summary>What is below a filter or format; a protocol has it for itself.</summary>
    public FaultyDisk Disk => Fixture.Faulty.Disk(DriverConformance.DiskName, _suite.LengthBytes);

    public BlockBackend Backend => _backend ?? throw new InvalidOperationException("the driver is not open");

    public BlockNode Subject => Graph.FindNode(DriverConformance.SubjectName) ?? throw new InvalidOperationException("the driver is not open");

    public ByteModel Model => _model ?? throw new InvalidOperationException("the driver is not open");

    public bool ComparesData => _suite.KeepsData;

    /// <summary>Runs a check in a world of its own, which it leaves empty.</summary>
    public static void Run(DriverConformance suite, ConformanceSetting setting, Func<ConformanceWorld, Task> check)
    {
        ConformanceWorld world = new(suite, setting);
        try
        {
            world.Fixture.Run(async () =>
            {
                await suite.PrepareGraphAsync(world.Graph);
                await check(world);
            });
            world.RequireNothingLeft();
        }
        catch (Exception failure)
        {
            // What is stuck cannot be closed: the contexts end, and the world is left to the collector.
            world.Fixture.World.Dispose();
            throw world.Explain(failure);
        }

        world.Fixture.Dispose();
    }

    /// <summary>Opens the driver under a backend and learns what the image holds.</summary>
    public async Task OpenAsync(BackendOptions? backend = null, string more = "")
    {
        _backend = await OpenBackendAsync(backend, more);
        _model = new ByteModel(await ReadAllAsync());
    }

    /// <summary>Opens the driver under a backend.</summary>
    public Task<BlockBackend> OpenBackendAsync(BackendOptions? backend = null, string more = "")
    {
        OptionsDictionary options = _suite.Describe(this);
        if (more.Length > 0)
        {
            foreach ((string key, OptionValue value) in GraphFixture.Options(more))
            {
                options[key] = value;
            }
        }

        return Graph.OpenAsync(options, backend);
    }

    public async Task CloseAsync()
    {
        if (_backend is { } backend)
        {
            _backend = null;
            await backend.DisposeAsync();
        }
    }

    public async Task<byte[]> ReadAllAsync()
    {
        byte[] bytes = new byte[Backend.LengthBytes];
        Array.Fill(bytes, (byte)0xA7);
        await Backend.ReadAsync(0, bytes);
        return bytes;
    }

    /// <summary>Everything reads as the model says.</summary>
    public async Task RequireContentsAsync(string when)
    {
        if (ComparesData)
        {
            Requirement.Same(Model.Difference(await ReadAllAsync()), when);
        }
    }

    /// <summary>A pause of some random time up to <paramref name="longestNs"/>.</summary>
    public ValueTask PauseAsync(long longestNs = 100_000) => AioContext.Current!.DelayAsync(Chance.NextLong(longestNs));

    /// <summary>The same memory in one piece or in several.</summary>
    public IoVector Cut(byte[] bytes)
    {
        if (bytes.Length < 3 || !Chance.OneIn(3))
        {
            return bytes;
        }

        int cut = 1 + Chance.Next(bytes.Length - 1);
        return new IoVector(new IoSegments(bytes.AsMemory(0, cut), bytes.AsMemory(cut)));
    }

    /// <summary>No node, no backend, no open storage.</summary>
    public void RequireNothingLeft(string when = "at the end")
    {
        Requirement.Check(Graph.Nodes.Count == 0 && Graph.Roots.Count == 0, $"{when} something is left:\n{GraphPicture.Of(Graph)}");
        Requirement.Check(Disk.Storage.OpenCount == 0, $"{when} the storage is open {Disk.Storage.OpenCount} times");
        Requirement.Check(_troubles.Count == 0, $"{when}: {string.Join("; ", _troubles)}");
    }

    // The seed stands in the message: it repeats the run.
    private NUnit.Framework.AssertionException Explain(Exception failure) => failure is NUnit.Framework.AssertionException
        ? new NUnit.Framework.AssertionException($"[{Setting}] {failure.Message}")
        : new NUnit.Framework.AssertionException($"[{Setting}] {failure.GetType().Name}: {failure.Message}", failure);
}
