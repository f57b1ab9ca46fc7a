using System.Text.Json;
using System.Xml;
using System.Xml.Linq;

namespace BlockGraph.Tools.Tests.Throttle;

/// <summary><c>throttle simulate --trace</c>: what a trace may look like, what is told about it, and the pictures.</summary>
[TestFixture]
public class TraceTests
{
    // Twenty reads at once and a write half a second later.
    private static readonly string s_storm = "t_ms,kind,bytes\n" + string.Concat(Enumerable.Repeat("0,read,4096\n", 20)) + "500,write,512\n";
    private static readonly string s_golden =
        """
        standard input under iops-total=10

        requests  count  bytes     delayed       wait total  mean      p50     p99    max
        read      20     80 KiB    18 (90 %)     18.4 s      920 ms    900 ms  1.9 s  1.9 s
        write     1      512 B     0 (0 %)       0 s         0 s       0 s     0 s    0 s
        all       21     80.5 KiB  18 (85.71 %)  18.4 s      876.2 ms  900 ms  1.9 s  1.9 s

        offered       42 requests/s, 161 KiB/s over 500 ms
        achieved      11.05 requests/s, 42.37 KiB/s over 1.9 s
        added wait    p50 900 ms, p75 1.4 s, p90 1.7 s, p95 1.8 s, p99 1.9 s, p99.9 1.9 s, max 1.9 s
        longest queue 18 requests, 0 s in
        bound by      iops-total for 1.9 s (100 % of the time)

        operations/s  █ admitted  ░ offered (▲ up to 421.1/s)  ┄ iops-total
            63.75 │▲
                  │░
                  │░
                  │▅         ▅
                  │█         █
                  │█         █
                  │█ ▂ ▂ ▂ ▂ █   ▂ ▂ ▂  ▂ ▂ ▂ ▂ ▂ ▂ ▂ ▂ ▂ ▂
                  │█ █ █ █ █ █   █ █ █  █ █ █ █ █ █ █ █ █ █
               10 │█┄█┄█┄█┄█┄█┄┄┄█┄█┄█┄┄█┄█┄█┄█┄█┄█┄█┄█┄█┄█
                  │█ █ █ █ █ █   █ █ █  █ █ █ █ █ █ █ █ █ █
                0 └────────────────────────────────────────
                   0 s              950 ms            1.9 s

        requests that wait
               18 │███▆▆▄▄▃▃▁▁
                  │███████████▇▇▇▇▅▅▄▄▂▂▂
                  │████████████████████████▆▆▄▄▃▃▁▁
                  │████████████████████████████████▇▇▅▅▄▄▂▂
                0 └────────────────────────────────────────

        """.ReplaceLineEndings("\n");

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void Json_has_the_numbers()
    {
        JsonElement result = Replay(s_storm, "iops-total=10");
        Assert.Multiple(() =>
        {
            JsonElement all = result.GetProperty("all");
            Assert.That(all.GetProperty("requests").GetInt64(), Is.EqualTo(21), "requests");
            Assert.That(all.GetProperty("delayed").GetInt64(), Is.EqualTo(18), "all but two reads, and the write, which comes when the bucket is at its brim");
            Assert.That(all.GetProperty("wait-ns").GetProperty("max").GetInt64(), Is.EqualTo(1_900_000_000), "the last read is the twentieth, and the write has come between");
            Assert.That(result.GetProperty("offered-ns").GetInt64(), Is.EqualTo(500_000_000), "the trace");
            Assert.That(result.GetProperty("admitted-ns").GetInt64(), Is.EqualTo(1_900_000_000), "until the last is admitted");
            Assert.That(result.GetProperty("offered-requests-per-second").GetDouble(), Is.EqualTo(42), "as they came");
            Assert.That(result.GetProperty("longest-queue").GetInt64(), Is.EqualTo(18), "eighteen of twenty wait");
            Assert.That(result.GetProperty("bound")[0].GetProperty("limit").GetString(), Is.EqualTo("iops-total"), "the limit");
            Assert.That(result.GetProperty("kinds").EnumerateArray().Select(kind => kind.GetProperty("kind").GetString()), Is.EqualTo(new[] { "read", "write" }), "the kinds");
            Assert.That(result.GetProperty("limits").EnumerateObject().Count(), Is.EqualTo(19), "the limits");
        });
    }

    [TestCase("iops-total=10", "iops-total", 1_700_000_000)]
    [TestCase("iops-total=10,iops-total-max=20,iops-total-max-length=10", "iops-total-max", 850_000_000)]
    [TestCase("bps-read=4096,iops-total=1000", "bps-read", 18_900_000_000)]
    public void The_limit_that_holds_requests_back_is_told(string limits, string key, long ns)
    {
        JsonElement bound = Replay("t_ms,kind,bytes\n" + string.Concat(Enumerable.Repeat("0,read,4096\n", 20)), limits).GetProperty("bound");
        Assert.That(bound.EnumerateArray().Select(item => item.GetProperty("limit").GetString()), Is.EqualTo(new[] { key }), "the limit");
        Assert.That(bound[0].GetProperty("ns").GetInt64(), Is.EqualTo(ns).Within(100_000_000), "how long");
    }

    [TestCase("t_ns,kind,bytes\n1000000000,read,512\n2000000000,w,1k")]
    [TestCase("t_us,op,size\n1000000,R,512\n2000000.0,WRITE,1024")]
    [TestCase("T_MS,RW,SIZE\r\n1000,rd,512\r\n\r\n2000,wr,1K\r\n")]
    [TestCase("# a comment\n\ntime,kind,bytes\n  # another\n1.0,read,512\n2e0,\"write\",\"1024\"")]
    [TestCase("t_s; kind; bytes; note\n1; read; 512; \"a; \"\"b\"\"\"\n2; write; 1024;")]
    [TestCase("bytes\tkind\tt_s\n512\tread\t1\n1024\twrite\t2\n")]
    [TestCase("time,device,kind,bytes\n1,sda,read,512\n2,sdb,write,1024")]
    public void A_trace_is_read_in_many_forms(string csv)
    {
        JsonElement result = Replay(csv, "iops-total=100");
        Assert.Multiple(() =>
        {
            Assert.That(result.GetProperty("offered-ns").GetInt64(), Is.EqualTo(1_000_000_000), "the first is at the beginning");
            Assert.That(result.GetProperty("kinds").EnumerateArray().Select(kind => kind.GetProperty("kind").GetString()), Is.EqualTo(new[] { "read", "write" }), "the kinds");
            Assert.That(result.GetProperty("kinds").EnumerateArray().Select(kind => kind.GetProperty("bytes").GetInt64()), Is.EqualTo(new[] { 512, 1024 }), "the lengths");
        });
    }

    [Test]
    public void Devices_are_members_of_one_group()
    {
        JsonElement result = Replay("t_ms,device,kind,bytes\n" + string.Concat(Enumerable.Repeat("0,sda,read,512\n0,sdb,read,512\n", 10)), "iops-total=10");
        Assert.That(result.GetProperty("members").EnumerateArray().Select(member => member.GetString()), Is.EqualTo(new[] { "sda", "sdb" }), "the members");
        Assert.That(result.GetProperty("admitted-ns").GetInt64(), Is.EqualTo(1_800_000_000), "twenty share what ten a second are");
    }

    [Test]
    public void Every_bad_line_is_told_by_file_line_and_field()
    {
        string csv = "time,kind,bytes\n1,read,512\nx,read,512\n-1,read,512\n,read,512\n2,rad,512\n3,read,many\n4,read\n5,read,4G\n6,\"read,512\n1e300,q,-1\n";
        ToolRun run = ToolRun.By("blockgraph", csv, "throttle", "simulate", "--trace", "-", "--limits", "iops-total=1");
        Assert.That(run.Error, Is.EqualTo(
            """
            blockgraph: standard input:3: time: 'x' is not a number from 0 on
            blockgraph: standard input:4: time: '-1' is not a number from 0 on
            blockgraph: standard input:5: time: is missing
            blockgraph: standard input:6: kind: 'rad' is none of read, write, write-zeroes, discard, flush
            blockgraph: standard input:7: size: 'many' is not a number of bytes
            blockgraph: standard input:8: size: is missing
            blockgraph: standard input:9: size: 4294967296 is more than one request takes (2147483136)
            blockgraph: standard input:10: a quote is not closed
            blockgraph: standard input:11: time: '1e300' is not a number from 0 on
            blockgraph: standard input:11: kind: 'q' is none of read, write, write-zeroes, discard, flush
            blockgraph: standard input:11: size: '-1' is not a number of bytes

            """.ReplaceLineEndings("\n")));
        Assert.That(run.Out, Is.Empty, "standard output");
        Assert.That(run.ExitCode, Is.EqualTo(1), "the exit code");
    }

    [Test]
    public void Thousands_of_bad_lines_are_not_all_told()
    {
        string csv = "time,kind,bytes\n" + string.Concat(Enumerable.Repeat("x,read,512\n", 1000));
        string[] errors = ToolRun.By("blockgraph", csv, "throttle", "simulate", "--trace", "-", "--limits", "iops-total=1").Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(errors, Has.Length.EqualTo(21), "lines");
        Assert.That(errors[^1], Is.EqualTo("blockgraph: and 980 more"), "the last");
    }

    [TestCase("", ":1: there is no header")]
    [TestCase("# nothing\n", ":1: there is no header")]
    [TestCase("time,kind,bytes\n", ":1: there are no requests")]
    [TestCase("kind,bytes\n", ":1: the header names no column for the time: one of t_ns, t_us, t_ms, t_s, time")]
    [TestCase("time,bytes\n", ":1: the header names no column for the kind: one of kind, op, rw")]
    [TestCase("time,kind\n", ":1: the header names no column for the size: one of bytes, size")]
    [TestCase("time,t_ms,kind,bytes\n", ":1: the header names the columns 'time' and 't_ms' for the same")]
    public void A_header_that_does_not_do_is_told(string csv, string error) =>
        Assert.That(ToolRun.By("blockgraph", csv, "throttle", "simulate", "--trace", "-", "--limits", "iops-total=1").Error, Is.EqualTo($"blockgraph: standard input{error}\n"));

    [TestCase("a FILE of vectors or a --trace is needed")]
    [TestCase("a FILE of vectors and a --trace exclude each other", "x.json", "--trace", "x.csv")]
    [TestCase("Option '--limits' is about a --trace", "x.json", "--limits", "iops-total=1")]
    [TestCase("Option '--json' is about a --trace", "x.json", "--json")]
    [TestCase("a --trace needs --limits", "--trace", "x.csv")]
    [TestCase("bps_max/iops_max require corresponding bps/iops values", "--trace", "x.csv", "--limits", "iops-total-max=1")]
    [TestCase("Parameter '--width' expects a number from 40 to 1000", "--trace", "x.csv", "--limits", "iops-total=1", "--width", "10")]
    [TestCase("Could not open 'no-such.csv': No such file or directory", "--trace", "no-such.csv", "--limits", "iops-total=1")]
    public void A_wrong_command_line_is_one_line(string error, params string[] arguments)
    {
        ToolRun run = ToolRun.Own(["throttle", "simulate", .. arguments]);
        Assert.That(run.Error, Is.EqualTo($"blockgraph: {error}\n"), "the error");
        Assert.That(run.Out, Is.Empty, "standard output");
        Assert.That(run.ExitCode, Is.EqualTo(1), "the exit code");
    }

    [Test]
    public void A_person_reads_a_table_and_charts()
    {
        ToolRun run = ToolRun.By("blockgraph", s_storm, "throttle", "simulate", "--trace", "-", "--limits", "iops-total=10", "--width", "51");
        Assert.That(run.Error, Is.Empty, "the errors");
        Assert.That(run.Out, Is.EqualTo(s_golden));
    }

    [Test]
    public void Ascii_draws_with_nothing_else()
    {
        ToolRun run = ToolRun.By("blockgraph", s_storm, "throttle", "simulate", "--trace", "-", "--limits", "iops-total=10", "--ascii");
        Assert.That(run.Out.All(char.IsAscii), Is.True, run.Out);
        Assert.That(run.OutLines.Max(line => line.Length), Is.EqualTo(100), "the width without a terminal");
    }

    [Test]
    public void Colours_are_for_terminals()
    {
        string[] arguments = ["throttle", "simulate", "--trace", "-", "--limits", "iops-total=10"];
        Assert.That(ToolRun.By("blockgraph", s_storm, arguments).Out, Does.Not.Contain("\x1b"), "none in a file");
        string coloured = ToolRun.On(new TestConsole { In = new StringReader(s_storm), IsOutputTerminal = true }, "blockgraph", arguments).Out;
        Assert.That(coloured, Does.Contain("\x1b[32m").And.Contain("\x1b[31m"), "bars and the line");
        Assert.That(coloured.Split('\n').Where(line => line.Contains("\x1b[3", StringComparison.Ordinal)), Is.All.EndsWith("\x1b[0m").Or.EndsWith("iops-total"), "a line gives the colour back");
    }

    [TestCase(60, 60)]
    [TestCase(5, 40)]
    public void Charts_are_as_wide_as_the_terminal(int terminal, int width)
    {
        ToolRun run = ToolRun.On(new TestConsole { In = new StringReader(s_storm), OutputWidth = terminal }, "blockgraph", "throttle", "simulate", "--trace", "-", "--limits", "iops-total=10");
        Assert.That(run.OutLines.Where(line => line.Contains('└', StringComparison.Ordinal)).Select(line => line.Length), Is.All.EqualTo(width), "the axes");
    }

    [Test]
    public void Limits_that_touch_nothing_are_told_to() =>
        Assert.That(ToolRun.By("blockgraph", s_storm, "throttle", "simulate", "--trace", "-", "--limits", "iops-total=1000").Out, Does.Contain("waits         none: the limits do not touch this trace\n"));

    [TestCase("iops-total=10")]
    [TestCase("bps-total=4096,bps-total-max=8192,bps-total-max-length=3")]
    [TestCase("iops-total=100000")]
    [TestCase("iops-total=0")]
    public void A_page_is_well_formed_and_needs_nothing_else(string limits)
    {
        string trace = _folder.File("a <b> & \"c\".csv");
        string page = _folder.File("page.html");
        File.WriteAllText(trace, s_storm);
        ToolRun run = ToolRun.Own("throttle", "simulate", "--trace", trace, "--limits", limits, "--html", page);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        using XmlReader reader = XmlReader.Create(page, new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        XDocument document = XDocument.Load(reader);
        XName[] elements = [.. document.Descendants().Select(element => element.Name)];
        Assert.That(elements.Count(name => name.LocalName == "svg"), Is.GreaterThanOrEqualTo(1), "charts");
        Assert.That(elements.Select(name => name.LocalName), Has.None.EqualTo("script").And.None.EqualTo("link").And.None.EqualTo("img").And.None.EqualTo("iframe"), "nothing from elsewhere");
        Assert.That(document.Descendants().Attributes().Select(attribute => attribute.Name.LocalName), Has.None.EqualTo("href").And.None.EqualTo("src"), "no references");
        string text = File.ReadAllText(page).Replace("http://www.w3.org/1999/xhtml", "", StringComparison.Ordinal);
        Assert.That(text, Does.Not.Contain("http").And.Not.Contain("url(").And.Not.Contain("@import").And.Not.Contain("NaN").And.Not.Contain("Infinity"), "nor in the style");
        Assert.That(text, Does.Contain("prefers-color-scheme: dark"), "dark colours");
        Assert.That(document.Descendants().First(element => element.Name.LocalName == "title").Value, Does.StartWith("a <b> & \"c\".csv under "), "the title");
    }

    [Test]
    public void The_sample_can_be_run()
    {
        string sample = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(IotestsRun.ScriptFolder))!, "samples", "Traces", "boot.csv");
        ToolRun run = ToolRun.Own("throttle", "simulate", "--trace", sample, "--limits", "iops-total=150,iops-total-max=400,iops-total-max-length=2");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Out, Does.Contain("bound by"), "the limits are felt");
    }

    private static JsonElement Replay(string csv, string limits)
    {
        ToolRun run = ToolRun.By("blockgraph", csv, "throttle", "simulate", "--trace", "-", "--limits", limits, "--json");
        Assert.That(run.Error, Is.Empty, "the errors");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        return document.RootElement.Clone();
    }
}
