using System.Diagnostics;
using System.Text.RegularExpressions;

namespace BlockGraph.Simulation.Tests;

/// <summary>A seed means the same in another process: nothing of this one's memory, hashing or threads comes in.</summary>
[TestFixture]
public sealed partial class SecondProcessTests
{
    [TestCase(1)]
    [TestCase(4711)]
    public void A_seed_gives_the_same_hash_in_every_process(int seed)
    {
        string first = RunProcess(seed);
        Assert.That(first, Does.Match(Line()), "a hash was printed");
        Assert.That(RunProcess(seed), Is.EqualTo(first), "the same in the second process");
    }

    [Test]
    public void Seeds_differ_in_processes_as_well() => Assert.That(RunProcess(1), Is.Not.EqualTo(RunProcess(2).Replace("seed 2", "seed 1", StringComparison.Ordinal)), "the hashes");

    // The benchmarks' own command; its hash covers a throttled graph with drains.
    private static string RunProcess(int seed)
    {
        string program = Path.Combine(TestContext.CurrentContext.TestDirectory, "BlockGraph.Benchmarks.dll");
        ProcessStartInfo start = new("dotnet", ["exec", program, "simulate", $"{seed}"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, errors);
        return output.Trim();
    }

    [GeneratedRegex("^seed [0-9]+ hash [0-9a-f]{16}$")]
    private static partial Regex Line();
}
