using BlockGraph.Benchmarks.Compare;

namespace BlockGraph.Benchmarks;

/// <summary>One command of this program.</summary>
/// <param name="Name">What it is called by.</param>
/// <param name="Usage">Its arguments.</param>
/// <param name="Summary">What it shows.</param>
/// <param name="Run">Runs it on the arguments after its name and returns the exit code: 1 where a number was missed.</param>
internal sealed record BenchmarkCommand(string Name, string Usage, string Summary, Func<string[], int> Run);

/// <summary>Every command, in the order that usage lists them.</summary>
internal static class BenchmarkCommands
{
    public static BenchmarkCommand[] All { get; } =
    [
        new("compare", "[--only TEXT] [--rounds N] [--count-scale X] [--dir DIR] [--out DIR] [--list] [--json]", "every number that is held against QEMU's, side by side", CompareCommand.Run),
        new("throttle-accuracy", "[--seconds N] [--json]", "how exactly a limit is kept in the steady state", ThrottleAccuracyCommand.Run),
        new("throttle-beside", "[--seconds N] [--json]", "the same beside qemu-storage-daemon and nbdkit, which serve fio over NBD", ThrottleBesideCommand.Run),
        new("throttle-threads", "[--requests N] [--json]", "two members of one group on two threads: total, split, stalls", ThrottleThreadsCommand.Run),
        new("throttle-cost", "[--count N] [--rounds N] [--json]", "CPU for a throttled request by the number of groups, and for an unlimited one", ThrottleCostCommand.Run),
        new("throttle-wakeups", "[--count N] [--json]", "how late a throttled request wakes up, beside a thread that just sleeps", ThrottleWakeupsCommand.Run),
        new("throttle-memory", "[--json]", "bytes for a member of a group at rest, and for a request that waits", ThrottleMemoryCommand.Run),
        new("allocations", "[--count N] [--json]", "bytes allocated for a request in the steady state", AllocationsCommand.Run),
        new("null-cpu", "[--count N] [--rounds N] [--json]", "CPU for a request, the tool against qemu-img", NullCpuCommand.Run),
        new("startup", "[--runs N] [--json]", "how long the tool takes to answer --version", StartupCommand.Run),
        new("img-memory", "[--gib N] [--cluster-bits N] [--dir DIR] [--alone] [--json]", "the most memory that commands hold on an image all of whose clusters are mapped", ImgMemoryCommand.Run),
        new("request-cost", "[--count N] [--rounds N] [--only TEXT] [--json]", "CPU for a request in this process, by graph and depth", RequestCostCommand.Run),
        new("threads", "[--count N] [--rounds N] [--json]", "one image from several I/O threads: CPU for a request, and how many a second", ThreadScalingCommand.Run),
        new("graph-changes", "[--rounds N] [--json]", "what opening, permissions, replacing under load and draining cost", GraphChangesCommand.Run),
        new("micro", "[BenchmarkDotNet arguments]", "the parts of a request, by BenchmarkDotNet", MicroCommand.Run),
        new("simulate", "SEED", "the event hash of a small simulated run", SimulateCommand.Run),
    ];

    public static void PrintUsage(TextWriter output)
    {
        foreach (BenchmarkCommand command in All)
        {
            output.WriteLine($"  {command.Name} {command.Usage}");
            output.WriteLine($"      {command.Summary}");
        }
    }
}
