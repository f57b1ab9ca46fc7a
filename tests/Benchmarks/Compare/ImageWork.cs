namespace BlockGraph.Benchmarks.Compare;

/// <summary>What a ratio must be at most, and what is hoped for.</summary>
/// <param name="Must">More is a failure.</param>
/// <param name="Aim">What is hoped for.</param>
internal readonly record struct Limit(double Must, double Aim);

/// <summary>
/// One piece of work on whole images that both programs do with the same words. In the command lines <c>@NAME</c> is a file in the folder of the run.
/// </summary>
/// <param name="Name">What it is called.</param>
/// <param name="Prepare">Makes in a folder what is needed.</param>
/// <param name="Arguments">The command line that is measured.</param>
internal sealed record ImageWork(string Name, Action<ImageWorkFolder> Prepare, params string[] Arguments)
{
    /// <summary>What the ratio of CPU must be; null where only wall time counts.</summary>
    public Limit? Cpu { get; init; }

    /// <summary>What the ratio of wall time must be.</summary>
    public required Limit Wall { get; init; }

    /// <summary>Whether it is <c>io</c>'s work; otherwise <c>img</c>'s.</summary>
    public bool IsIo { get; init; }

    /// <summary>How many runs are measured as one: one alone may be over before the clock has moved far.</summary>
    public int Count { get; init; } = 1;

    /// <summary>What QEMU's program does before each run of either, unmeasured.</summary>
    public string[] Before { get; init; } = [];

    /// <summary>What QEMU's program does after it.</summary>
    public string[] After { get; init; } = [];

    /// <summary>The file that each run makes anew.</summary>
    public string? Target { get; init; }

    /// <summary>What QEMU's program says of the result of either, with exit code 0 for right; empty where the exit code of the run is all there is.</summary>
    public string[] Check { get; init; } = [];

    /// <summary>What the figure of CPU is called.</summary>
    public string CpuName => $"{Name}: CPU beside {Program}'s";

    /// <summary>What the figure of wall time is called.</summary>
    public string WallName => $"{Name}: wall time beside {Program}'s";

    /// <summary>The program beside which it is measured.</summary>
    public string Program => IsIo ? ComparedPrograms.QemuIo : ComparedPrograms.QemuImg;
}
