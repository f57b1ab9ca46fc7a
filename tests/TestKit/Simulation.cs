using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit;

/// <summary>How a simulated world behaves.</summary>
public sealed record SimulationOptions
{
    /// <summary>Decides the order of everything ready, and how late each timer fires.</summary>
    public int Seed { get; init; }

    /// <summary>Timers fire exactly on time and workers take none; the order is still the seed's.</summary>
    public bool HasExactTime { get; init; }

    /// <summary>The latest that a timer fires, in nanoseconds after its instant.</summary>
    public long LatenessNsMax { get; init; } = 200_000;

    /// <summary>The longest that a worker takes over a job, in nanoseconds.</summary>
    public long JobNsMax { get; init; } = 300_000;

    /// <summary>The most pieces of work of one run.</summary>
    public long StepBudget { get; init; } = 2_000_000;
}

/// <summary>
/// A world of virtual time in which one seed decides every interleaving: which ready piece of work runs next, how late each
/// timer fires, how long each worker takes. The same seed gives the same <see cref="EventHash"/>, in any process.
/// </summary>
public sealed class Simulation : VirtualTimeScheduler
{
    private readonly SimulationOptions _options;
    private readonly SeededRandom _order;
    private readonly SeededRandom _time;

    /// <summary>A world that follows <paramref name="options"/>.</summary>
    public Simulation(SimulationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        StepCountMax = options.StepBudget;

        // Any int is a seed; a negative one is extended by its sign.
        ulong seed = unchecked((ulong)options.Seed);
        _order = new SeededRandom(seed);
        _time = new SeededRandom(~seed);
        Chance = new SeededRandom(seed ^ 0xA5A5_A5A5_5A5A_5A5A);
    }

    /// <summary>A world of <paramref name="seed"/>.</summary>
    public Simulation(int seed)
        : this(new SimulationOptions { Seed = seed })
    {
    }

    /// <summary>Randomness for the workload, apart from that of the scheduling.</summary>
    public SeededRandom Chance { get; }

    /// <summary>A hash of everything that has happened, in order: contexts, choices and instants.</summary>
    public ulong EventHash { get; private set; } = 14695981039346656037;

    /// <summary>Mixes something that the workload saw into the hash.</summary>
    public void Record(long value)
    {
        unchecked
        {
            // FNV-1a is defined modulo 2^64.
            EventHash = (EventHash ^ (ulong)value) * 1099511628211;
        }
    }

    /// <inheritdoc/>
    protected override VirtualTimeAioContext NewContext(string name) => new SimulatedAioContext(this, name);

    /// <inheritdoc/>
    protected override int ChooseNext(int count) => count == 1 ? 0 : _order.Next(count);

    /// <inheritdoc/>
    protected override long ChooseLatenessNs() => _options.HasExactTime ? 0 : _time.NextLong(_options.LatenessNsMax + 1);

    /// <inheritdoc/>
    protected override long ChooseJobNs() => _options.HasExactTime ? 0 : _time.NextLong(_options.JobNsMax + 1);

    /// <inheritdoc/>
    protected override void OnStep(int contextIndex, int choice, int count)
    {
        Record(contextIndex);
        Record(choice);
        Record(count);
        Record(NowNs);
    }
}

/// <summary>A context of a <see cref="Simulation"/>.</summary>
public sealed class SimulatedAioContext : VirtualTimeAioContext
{
    internal SimulatedAioContext(Simulation world, string name)
        : base(world, name)
    {
    }
}
