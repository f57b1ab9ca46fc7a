using System.Collections.Concurrent;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>What the actors of a storm share: the graph, its contexts and disks, the faults that are wanted, what was counted and what was found.</summary>
internal sealed class StormWorld(NodeGraph graph, MemoryProtocol memory, FaultyProtocol faulty, IReadOnlyList<AioContext> contexts, bool hasVirtualTime)
{
    private readonly ConcurrentQueue<string> _findings = [];

    /// <summary>The graph.</summary>
    public NodeGraph Graph => graph;

    /// <summary>The storage.</summary>
    public MemoryProtocol Memory => memory;

    /// <summary>The same storage, for nodes that are to fail.</summary>
    public FaultyProtocol Faulty => faulty;

    /// <summary>The main context first.</summary>
    public IReadOnlyList<AioContext> Contexts => contexts;

    /// <summary>The images in use.</summary>
    public List<StormDisk> Disks { get; } = [];

    /// <summary>What was done.</summary>
    public StormTally Tally { get; } = new();

    /// <summary>The requests that can be cancelled.</summary>
    public StormCancellations Cancellations { get; } = new();

    /// <summary>What is to fail.</summary>
    public StormFaults Faults { get; } = new();

    /// <summary>Told of each change when it is over, with the graph as it is then; null for nothing.</summary>
    public Action<string>? Trace { get; init; }

    /// <summary>True where nothing takes time but what says so, so that a time can be held against somebody.</summary>
    public bool HasVirtualTime => hasVirtualTime;

    /// <summary>True once the actors are to stop: something is wrong already.</summary>
    public bool HasFinding => !_findings.IsEmpty;

    /// <summary>What was found, one line each.</summary>
    public IEnumerable<string> Findings => _findings;

    /// <summary>Notes what is wrong, if anything is.</summary>
    public void Expect(string? finding)
    {
        if (finding is not null)
        {
            _findings.Enqueue(finding);
        }
    }

    /// <summary>A limit of a throttle, in requests per second: one that is felt, or one that is not. In real time nobody waits long.</summary>
    public int ChooseRate(SeededRandom chance) => (hasVirtualTime, chance.OneIn(2)) switch { (_, false) => 100_000, (true, true) => 20 + chance.Next(60), (false, true) => 3_000 };

    /// <summary>From now on <paramref name="storage"/> may fail: its disks know.</summary>
    public void ExpectFaults(string storage) => Disks.Where(d => d.Storages.Contains(storage)).ToList().ForEach(d => d.HasFaults = true);

    /// <summary>Waits a random time on <paramref name="home"/>.</summary>
    public async Task PauseAsync(AioContext home, SeededRandom chance, long longestNs)
    {
        await home.DelayAsync(chance.NextLong(longestNs));
        Expect(home.IsHome ? null : "a delay went on away from home");
    }
}
