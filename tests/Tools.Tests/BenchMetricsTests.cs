using System.Text.Json;

namespace BlockGraph.Tools.Tests;

/// <summary>What <c>bench</c> tells of nodes, edges and slow requests.</summary>
[TestFixture]
public sealed class BenchMetricsTests
{
    // load -> throttle (1000 a second) -> raw -> null of 0.5 ms
    private const string Graph = "driver=throttle,node-name=slow,limits.iops-total=1000,file.driver=raw,file.node-name=mid,file.file.driver=null-co,file.file.node-name=disk,file.file.latency-ns=500000";

    [Test]
    public void Tables_show_nodes_from_the_root_down_and_edges()
    {
        ToolRun run = ToolRun.Own("bench", Graph, "--count", "1000", "--depth", "2", "--size", "4096", "--virtual-time", "--metrics");
        Assert.That(run.Error, Is.Empty);
        Assert.That(string.Join('\n', run.OutLines[^8..]), Is.EqualTo("""
            node      driver    operation  count  IOPS  MB/s  depth      p50      p99      max  errors
            slow      throttle  read        1000  1112  4.55   2.00  2.00 ms  2.00 ms  2.00 ms       0
              mid     raw       read        1000  1112  4.55   0.56   500 us   500 us   500 us       0
                disk  null-co   read        1000  1112  4.55   0.56   500 us   500 us   500 us       0
            edge         to    operation  count  IOPS  MB/s  depth      p50      p99      max  errors
            (load) root  slow  read        1000  1112  4.55   2.00  2.00 ms  2.00 ms  2.00 ms       0
            slow file    mid   read        1000  1112  4.55   0.56   500 us   500 us   500 us       0
            mid file     disk  read        1000  1112  4.55   0.56   500 us   500 us   500 us       0
            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void On_a_terminal_tables_are_framed_and_whole()
    {
        TestConsole console = new() { IsOutputTerminal = true, OutputWidth = 60 };
        ToolRun run = ToolRun.On(console, "blockgraph", "bench", Graph, "--count", "10", "--virtual-time", "--metrics");
        string[] table = [.. run.OutLines.SkipWhile(line => !line.Contains("│ node", StringComparison.Ordinal))];
        Assert.That(table[0], Does.EndWith("│ errors │"), "no column is cut");
        Assert.That(table[2], Does.StartWith("│ slow ").And.Contain("│ throttle │ read"), "the root");
        Assert.That(table[4], Does.StartWith("│     disk │ null-co"), "the storage");
    }

    [Test]
    public void Json_has_the_same_numbers()
    {
        ToolRun run = ToolRun.Own("bench", Graph, "--count", "1000", "--mix", "write", "--size", "4096", "--virtual-time", "--metrics", "--trace-slow", "3", "--json");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        JsonElement[] nodes = [.. document.RootElement.GetProperty("nodes").EnumerateArray()];
        Assert.That(nodes.Select(n => n.GetProperty("node").GetString()), Is.EqualTo(new[] { "slow", "mid", "disk" }), "from the root down");
        JsonElement operation = nodes[2].GetProperty("operations").EnumerateArray().Single();
        Assert.That(operation.GetProperty("operation").GetString(), Is.EqualTo("write"));
        Assert.That(operation.GetProperty("count").GetInt64(), Is.EqualTo(1000));
        Assert.That(operation.GetProperty("bytes").GetInt64(), Is.EqualTo(1000 * 4096));
        Assert.That(operation.GetProperty("errors").GetInt64(), Is.Zero);
        Assert.That(operation.GetProperty("duration_ns").GetProperty("max").GetInt64(), Is.EqualTo(500_000));
        JsonElement[] edges = [.. document.RootElement.GetProperty("edges").EnumerateArray()];
        Assert.That(edges.Select(e => $"{e.GetProperty("parent").GetString()} {e.GetProperty("edge").GetString()} {e.GetProperty("node").GetString()}"), Is.EqualTo(new[] { " root slow", "slow file mid", "mid file disk" }));
        JsonElement slowest = document.RootElement.GetProperty("slow_requests").GetProperty("slowest")[0];
        Assert.That(slowest.GetProperty("duration_ns").GetInt64(), Is.GreaterThan(3_000_000), "it was slow");
        Assert.That(slowest.GetProperty("device_ns").GetInt64(), Is.EqualTo(500_000), "not for the storage's sake");
    }

    [Test]
    public void Slow_requests_say_where_their_time_went()
    {
        ToolRun run = ToolRun.Own("bench", Graph, "--count", "400", "--depth", "1", "--mix", "read", "--size", "4096", "--virtual-time", "--trace-slow", "0.9");
        Assert.That(string.Join('\n', run.OutLines[6..10]), Does.Match("""
            \d+ requests took 900 us or longer; the 5 slowest:
            read \d+\+4096: 1.00 ms, storage 500 us, waiting 500 us
              slow \(throttle\)            read         after 0 ns      1.00 ms   itself 500 us
                mid \(raw\)                read         after 500 us    500 us    itself 0 ns
            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void What_no_request_reaches_is_told()
    {
        ToolRun run = ToolRun.Own("bench", Graph, "--count", "20", "--virtual-time", "--trace-slow", "10000");
        Assert.That(run.OutLines[^1], Is.EqualTo("0 requests took 10.0 s or longer"));
    }

    [TestCase("0")]
    [TestCase("-1")]
    [TestCase("soon")]
    public void A_threshold_is_a_number_of_milliseconds(string text)
    {
        ToolRun run = ToolRun.Own("bench", Graph, "--count", "1", "--virtual-time", $"--trace-slow={text}");
        Assert.That(run.ExitCode, Is.Not.Zero);
        Assert.That(run.Error, Does.Contain("Parameter '--trace-slow' expects a number of milliseconds above 0 and up to 1000000000"));
    }
}
