namespace BlockGraph.Tools.Bench;

/// <summary>Which requests a load makes, and where.</summary>
internal enum BenchMix
{
    /// <summary>Reads, one after the other, from the start again at the end.</summary>
    Read,

    /// <summary>Writes, one after the other, from the start again at the end.</summary>
    Write,

    /// <summary>Reads at random places.</summary>
    RandRead,

    /// <summary>Writes at random places.</summary>
    RandWrite,

    /// <summary>Reads and writes in equal parts, at random places.</summary>
    Rw,
}

/// <summary>What load to drive.</summary>
internal sealed record BenchLoad
{
    /// <summary>Stop after so many nanoseconds; null for no such end.</summary>
    public long? DurationNs { get; init; }

    /// <summary>Stop after so many requests; null for no such end.</summary>
    public long? RequestCountMax { get; init; }

    /// <summary>How many requests are under way at once.</summary>
    public int Depth { get; init; } = 16;

    /// <summary>The length of every request, in bytes.</summary>
    public int SizeBytes { get; init; } = 4096;

    /// <summary>Which requests, and where.</summary>
    public BenchMix Mix { get; init; } = BenchMix.RandRead;

    /// <summary>Decides the random places and kinds; the same seed makes the same load.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The part of the requests that are reads, from 0 to 1.</summary>
    public double ReadShare => Mix switch
    {
        BenchMix.Read or BenchMix.RandRead => 1,
        BenchMix.Rw => 0.5,
        _ => 0,
    };

    /// <summary>True where nothing is written.</summary>
    public bool IsReadOnly => Mix is BenchMix.Read or BenchMix.RandRead;
}
