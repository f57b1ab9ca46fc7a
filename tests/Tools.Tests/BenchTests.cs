using System.Text.Json;

namespace BlockGraph.Tools.Tests;

[TestFixture]
public class BenchTests
{
    private const string Slow = "driver=null-co,latency-ns=1000000";
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    private static JsonElement Measure(params string[] arguments)
    {
        ToolRun run = ToolRun.Own(["bench", .. arguments, "--virtual-time", "--json"]);
        Assert.That(run.Error, Is.Empty);
        Assert.That(run.OutLines, Has.Length.EqualTo(1), "one object on one line");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        return document.RootElement.Clone();
    }

    [Test]
    public void Json_has_exactly_the_promised_members()
    {
        JsonElement result = Measure(Slow, "--count", "10");
        Assert.That(result.EnumerateObject().Select(member => member.Name), Is.EqualTo(new[]
        {
            "requests", "seconds", "iops", "bytes_per_second", "limit", "error_percent", "latency_ns", "throttle_wait_ns", "device_ns",
        }));
        foreach (string times in new[] { "latency_ns", "throttle_wait_ns", "device_ns" })
        {
            Assert.That(result.GetProperty(times).EnumerateObject().Select(member => member.Name), Is.EqualTo(new[] { "p50", "p99", "p999", "max" }));
        }
    }

    [Test]
    public void A_device_without_a_limit_is_measured_exactly_in_virtual_time()
    {
        JsonElement result = Measure(Slow, "--depth", "4", "--seconds", "1");
        Assert.That(result.GetProperty("requests").GetInt64(), Is.EqualTo(4000));
        Assert.That(result.GetProperty("seconds").GetDouble(), Is.EqualTo(1));
        Assert.That(result.GetProperty("iops").GetDouble(), Is.EqualTo(4000));
        Assert.That(result.GetProperty("bytes_per_second").GetDouble(), Is.EqualTo(4000 * 4096));
        Assert.That(result.GetProperty("limit").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(result.GetProperty("error_percent").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(result.GetProperty("latency_ns").GetProperty("p50").GetInt64(), Is.EqualTo(1_000_000));
        Assert.That(result.GetProperty("throttle_wait_ns").GetProperty("max").GetInt64(), Is.Zero);
        Assert.That(result.GetProperty("device_ns").GetProperty("max").GetInt64(), Is.EqualTo(1_000_000));
    }

    [TestCase("iops-total=100", 100)]
    [TestCase("iops-read=100", 100)]
    [TestCase("bps-total=409600", 409600)]
    [TestCase("iops-total=200,limits.iops-size=1024", 200)]
    [TestCase("iops-total=100,limits.bps-total=1000000", 100)]
    [TestCase("iops-total=100,limits.iops-total-max=500", 100)]
    [TestCase("iops-total=100,limits.iops-total-max=300,limits.iops-total-max-length=2", 100)]
    public void The_steady_state_after_the_burst_is_exactly_the_limit_in_virtual_time(string limits, long rate)
    {
        JsonElement result = Measure($"driver=throttle,throttle-group=g,limits.{limits},file.driver=null-co", "--seconds", "10");
        Assert.That(result.GetProperty("limit").GetInt64(), Is.EqualTo(rate));
        Assert.That(result.GetProperty("error_percent").GetDouble(), Is.EqualTo(0).Within(1e-4));
    }

    [Test]
    public void Latency_is_split_into_waiting_and_device()
    {
        JsonElement result = Measure("driver=throttle,throttle-group=g,limits.iops-total=100,file.driver=null-co,file.latency-ns=1000000", "--depth", "2", "--seconds", "5");
        Assert.That(result.GetProperty("device_ns").GetProperty("p50").GetInt64(), Is.EqualTo(1_000_000));
        long wait = result.GetProperty("throttle_wait_ns").GetProperty("p50").GetInt64();
        long latency = result.GetProperty("latency_ns").GetProperty("p50").GetInt64();
        Assert.That(latency, Is.EqualTo(20_000_000), "two under way at a hundred a second");
        Assert.That(wait, Is.EqualTo(19_000_000).Within(19_000_000 / 32));
    }

    [Test]
    public void A_limit_that_is_never_reached_has_no_error()
    {
        JsonElement result = Measure("driver=throttle,throttle-group=g,limits.iops-total=1000000,file.driver=null-co,file.latency-ns=1000000", "--seconds", "1");
        Assert.That(result.GetProperty("limit").GetInt64(), Is.EqualTo(1_000_000));
        Assert.That(result.GetProperty("error_percent").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public void Reads_and_writes_have_their_own_limits_in_a_mixed_load()
    {
        JsonElement result = Measure("driver=throttle,throttle-group=g,limits.iops-read=100,limits.iops-write=50,file.driver=null-co", "--mix", "rw", "--seconds", "20");
        Assert.That(result.GetProperty("limit").GetInt64(), Is.EqualTo(50), "writes are held back first");
        Assert.That(result.GetProperty("error_percent").GetDouble(), Is.EqualTo(0).Within(0.5));
        Assert.That(result.GetProperty("iops").GetDouble(), Is.EqualTo(100).Within(10));
    }

    [Test]
    public void A_long_wait_does_not_outlive_the_load()
    {
        JsonElement result = Measure("driver=throttle,throttle-group=g,limits.iops-total=1,file.driver=null-co", "--depth", "64", "--seconds", "3");
        Assert.That(result.GetProperty("requests").GetInt64(), Is.EqualTo(4), "one at once, then at 0.9, 1.9 and 2.9 s");
        Assert.That(result.GetProperty("seconds").GetDouble(), Is.LessThanOrEqualTo(3));
    }

    [TestCase("read")]
    [TestCase("write")]
    [TestCase("randread")]
    [TestCase("randwrite")]
    [TestCase("rw")]
    public void Every_mix_runs_so_many_requests_on_a_file(string mix)
    {
        string path = _folder.Image("t.img", 1 << 20);
        ToolRun run = ToolRun.Own("bench", $"driver=raw,file.filename={path}", "--mix", mix, "--count", "300", "--size", "8k", "--json");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Out, Does.StartWith("{\"requests\":300,"));
        bool isWritten = File.ReadAllBytes(path).AsSpan().IndexOfAnyExcept((byte)0) >= 0;
        Assert.That(isWritten, Is.EqualTo(mix is "write" or "randwrite" or "rw"));
    }

    [Test]
    public void The_same_seed_makes_the_same_load()
    {
        string[] arguments = ["bench", "driver=throttle,throttle-group=g,limits.iops-read=100,limits.iops-write=70,file.driver=null-co", "--mix", "rw", "--count", "500", "--virtual-time", "--json", "--seed"];
        string first = ToolRun.Own([.. arguments, "7"]).Out;
        Assert.That(ToolRun.Own([.. arguments, "7"]).Out, Is.EqualTo(first));
        Assert.That(ToolRun.Own([.. arguments, "8"]).Out, Is.Not.EqualTo(first));
    }

    [Test]
    public void The_limit_that_binds_may_be_an_ancestor_s()
    {
        ToolRun run = ToolRun.Own(
            "bench", "--object", "throttle-group,id=vm,limits.iops-total=50", "--object", "throttle-group,id=disk,parent=vm,limits.iops-total=100",
            "driver=throttle,throttle-group=disk,file.driver=null-co", "--virtual-time", "--depth", "1", "--seconds", "1");
        Assert.That(run.OutLines[1], Is.EqualTo("limit 50 operations/s (iops-total of 'vm'): steady state 50.0/s, error 0.000 %"), run.Error);
    }

    [Test]
    public void Plain_text_names_rate_limit_error_and_times()
    {
        ToolRun run = ToolRun.Own("bench", "driver=throttle,throttle-group=g,limits.iops-total=100,file.driver=null-co", "--virtual-time", "--depth", "1", "--seconds", "1");
        Assert.That(run.OutLines[0], Is.EqualTo("111 requests in 1.000 s: 111.0 IOPS, 0.455 MB/s"));
        Assert.That(run.OutLines[1], Is.EqualTo("limit 100 operations/s (iops-total of 'g'): steady state 100.0/s, error 0.000 %"));
        Assert.That(run.OutLines[2], Does.Match("^ +p50 +p99 +p99.9 +max +\\(microseconds\\)$"));
        Assert.That(run.OutLines[3], Does.Match("^latency +10000.0 +10000.0 +10000.0 +10000.0$"));
        Assert.That(run.OutLines, Has.Length.EqualTo(6));
    }

    [Test]
    public void A_person_gets_a_table()
    {
        ToolRun run = ToolRun.On(new TestConsole { IsOutputTerminal = true }, "blockgraph", "bench", Slow, "--virtual-time", "--count", "5");
        Assert.That(run.OutLines[1], Is.EqualTo("no limit"));
        Assert.That(run.Out, Does.Contain("throttle wait"));
        Assert.That(run.Out, Does.Contain("1000.0"));
    }

    [Test]
    public void A_load_that_is_over_at_once_shows_no_progress()
    {
        ToolRun run = ToolRun.On(new TestConsole { IsErrorTerminal = true }, "blockgraph", "bench", "driver=null-co", "--count", "100");
        Assert.That(run.Error, Is.Empty.Or.EndsWith("\x1b[J"), "or what was shown is gone");
        Assert.That(run.ExitCode, Is.Zero);
    }

    [Test]
    public void A_graph_that_takes_no_virtual_time_needs_a_count()
    {
        Assert.That(Measure("driver=null-co", "--count", "1000").GetProperty("iops").GetDouble(), Is.Zero, "there is no rate without time");
        Assert.That(ToolRun.Own("bench", "driver=null-co", "--virtual-time").Error, Does.EndWith("would never end: use --count\n"));
    }

    [TestCase("blockgraph: Parameter '--depth' expects a number", "--depth", "x")]
    [TestCase("blockgraph: Parameter '--depth' expects a number from 1 to 65536", "--depth", "0")]
    [TestCase("blockgraph: Parameter '--size' expects a number from 1 to 1073741824", "--size", "2G")]
    [TestCase("blockgraph: Parameter '--count' expects a number from 1 to 9223372036854775807", "--count", "0")]
    [TestCase("blockgraph: Parameter '--seconds' expects a number of seconds above 0 and up to 1000000000", "--seconds", "0")]
    [TestCase("blockgraph: Parameter '--seconds' expects a number of seconds above 0 and up to 1000000000", "--seconds", "1e")]
    [TestCase("blockgraph: Parameter '--mix' does not accept value 'foo' (use read, write, randread, randwrite, rw)", "--mix", "foo")]
    public void A_wrong_option_is_one_line(string error, params string[] arguments)
    {
        ToolRun run = ToolRun.Own(["bench", "driver=null-co", .. arguments]);
        Assert.That(run.Error, Is.EqualTo(error + "\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void An_image_shorter_than_one_request_is_refused() =>
        Assert.That(ToolRun.Own("bench", "driver=null-co,size=1k").Error, Is.EqualTo("blockgraph: the image of 1024 bytes is shorter than one request of 4096 bytes\n"));

    [Test]
    public void Create_makes_a_sparse_file_once()
    {
        string path = _folder.File("new.img");
        string[] arguments = ["bench", $"driver=throttle,throttle-group=g,file.filename={path},limits.iops-total=1000000", "--create", "4M", "--count", "10"];
        Assert.That(ToolRun.Own(arguments).ExitCode, Is.Zero);
        Assert.That(new FileInfo(path).Length, Is.EqualTo(4 << 20));
        File.WriteAllBytes(path, Enumerable.Repeat((byte)7, 4 << 20).ToArray());
        Assert.That(ToolRun.Own(arguments).ExitCode, Is.Zero, "the same command again");
        Assert.That(File.ReadAllBytes(path).AsSpan().IndexOfAnyExcept((byte)7), Is.Negative, "the file was left as it was");
    }

    [Test]
    public void Create_overwrites_nothing()
    {
        string path = _folder.Image("old.img", 512);
        ToolRun run = ToolRun.Own("bench", path, "--create", "1M");
        Assert.That(run.Error, Is.EqualTo($"blockgraph: --create does not overwrite '{path}', which is there already and is not a file of 1048576 bytes\n"));
        Assert.That(new FileInfo(path).Length, Is.EqualTo(512));
        Assert.That(ToolRun.Own("bench", _folder.Path, "--create", "1M").ExitCode, Is.EqualTo(1));
    }

    [TestCase("null-co://")]
    [TestCase("driver=raw,file.driver=null-co")]
    [TestCase("nbd://host/disk")]
    public void Create_needs_the_name_of_a_file(string options) =>
        Assert.That(ToolRun.Own("bench", options, "--create", "1M").Error, Is.EqualTo("blockgraph: --create needs a file name in OPTIONS\n"));

    [Test]
    public void Create_tells_why_it_cannot()
    {
        string path = _folder.File("missing/new.img");
        Assert.That(ToolRun.Own("bench", "file:" + path, "--create", "1M").Error, Is.EqualTo($"blockgraph: Could not create '{path}': No such file or directory\n"));
    }

    [Test]
    public void A_graph_that_cannot_be_opened_leaves_no_new_file()
    {
        string path = _folder.File("new.img");
        Assert.That(ToolRun.Own("bench", $"driver=throttle,file.filename={path},limits.frob=1", "--create", "1M").ExitCode, Is.EqualTo(1));
        Assert.That(File.Exists(path), Is.False);
    }
}
