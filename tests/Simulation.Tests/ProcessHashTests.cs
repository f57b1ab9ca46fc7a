using System.Diagnostics;
using System.Globalization;

namespace BlockGraph.Simulation.Tests;

/// <summary>A seed means the same in every process: a failure that a machine reports can be run again on another.</summary>
[TestFixture]
public sealed class ProcessHashTests
{
    [TestCase(1)]
    [TestCase(4711)]
    public async Task The_same_seed_gives_the_same_hash_in_another_process(int seed)
    {
        string first = await SimulateAsync(seed);
        string second = await SimulateAsync(seed);
        Assert.That(first, Does.StartWith($"seed {seed} hash "), "what the program prints");
        Assert.That(second, Is.EqualTo(first), "the same hash");
        Assert.That(await SimulateAsync(seed + 1), Is.Not.EqualTo(first), "another seed gives another");
    }

    private static async Task<string> SimulateAsync(int seed)
    {
        string program = Path.Combine(TestContext.CurrentContext.TestDirectory, "BlockGraph.Benchmarks.dll");
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add(program);
        start.ArgumentList.Add("simulate");
        start.ArgumentList.Add(seed.ToString(CultureInfo.InvariantCulture));
        using Process process = Process.Start(start)!;
        string printed = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero, "the program ends well");
        return printed.Trim();
    }
}
