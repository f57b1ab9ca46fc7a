namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>What the command line refuses, and with which words.</summary>
[TestFixture]
public sealed class StormCommandTests
{
    [TestCase("", "say what to run: --seeds A..B, --seed N, --images A..B or --stress")]
    [TestCase("--seeds 5", "Option '--seeds' takes a range A..B, A not above B, not '5'")]
    [TestCase("--seeds 9..3", "Option '--seeds' takes a range A..B, A not above B, not '9..3'")]
    [TestCase("--seeds 1..x", "Option '--seeds' takes a whole number of 32 bits, not 'x'")]
    [TestCase("--seed 99999999999", "Option '--seed' takes a whole number of 32 bits, not '99999999999'")]
    [TestCase("--seed 1 --tracing", "'--seed 1 --tracing' is not how it is called")]
    [TestCase("--stress --threads 0", "Option '--threads' must be above 0, not '0'")]
    [TestCase("--stress --hours 1", "There is no option '--hours' of --stress")]
    [TestCase("--stress --minutes", "Option '--minutes' of --stress is unknown, or lacks its value")]
    public void A_bad_command_line_is_refused_by_name(string line, string message)
    {
        using StringWriter output = new();
        using StringWriter errors = new();
        int exitCode = StormCommand.Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), output, errors);
        Assert.That((exitCode, output.ToString(), errors.ToString().TrimEnd()), Is.EqualTo((2, "", $"{message} (--help says more)")), "exit code, output and errors");
    }
}
