using System.Text.Json;

namespace BlockGraph.Tools.Tests.Throttle;

/// <summary><c>throttle explain</c>: the forms in which limits are given, what is printed, and what is refused.</summary>
[TestFixture]
public class ExplainTests
{
    [TestCase("iops-total=100,iops-total-max=1000")]
    [TestCase("limits.iops-total=100,limits.iops-total-max=1000")]
    [TestCase("x-iops-total=100,throttling.iops-total-max=1000")]
    [TestCase("""{"iops-total":100,"iops-total-max":1000}""")]
    [TestCase("""{"limits":{"iops-total":100,"iops-total-max":1000}}""")]
    [TestCase("driver=throttle,throttle-group=g,file.filename=a.img,limits.iops-total=100,limits.iops-total-max=1000")]
    [TestCase("""json:{"driver":"throttle","limits":{"iops-total":100,"iops-total-max":1000},"file":"a"}""")]
    [TestCase("driver=raw,file.driver=throttle,file.limits.iops-total=100,file.limits.iops-total-max=1000,file.file=a")]
    public void Limits_are_read_in_every_form(string options)
    {
        JsonElement limits = Explain(options).GetProperty("limits");
        Assert.That(limits.EnumerateObject().Count(), Is.EqualTo(19), "all nineteen keys");
        Assert.That(limits.GetProperty("iops-total").GetInt64(), Is.EqualTo(100), "the rate");
        Assert.That(limits.GetProperty("iops-total-max").GetInt64(), Is.EqualTo(1000), "the burst");
        Assert.That(limits.GetProperty("iops-total-max-length").GetInt64(), Is.EqualTo(1), "the default of what is not given");
    }

    [TestCase("iops-total=10,burst-window=500", "5 operations", "500 ms of the rate")]
    [TestCase("iops-total=10,pacing=on", "0 operations", "one by one")]
    [TestCase("driver=throttle,limits.iops-total=10,burst-window=500,file.driver=null-co", "5 operations", "500 ms of the rate")]
    public void Settings_beside_the_limits_count(string options, string capacity, string source)
    {
        ToolRun run = ToolRun.Own("throttle", "explain", options);

        Assert.That(run.Out.Split('\n')[1], Does.Contain(capacity).And.Contain(source));
    }

    [TestCase("iops-total=10,burst-window=-1", "burst-window value must be in the range [0, 3600000]")]
    [TestCase("iops-total=10,pacing=perhaps", "Parameter 'pacing' expects 'on' or 'off'")]
    public void A_malformed_setting_is_refused_by_name(string options, string text)
    {
        ToolRun run = ToolRun.Own("throttle", "explain", options);

        Assert.That((run.ExitCode, run.Out), Is.EqualTo((1, string.Empty)));
        Assert.That(run.Error, Does.Contain(text));
    }

    [Test]
    public void Json_has_the_numbers_of_a_burst()
    {
        JsonElement explanation = Explain("iops-total=1000,iops-total-max=5000,iops-total-max-length=2,bps-read=1048576");
        JsonElement iops = explanation.GetProperty("meters")[1];
        Assert.Multiple(() =>
        {
            Assert.That(iops.GetProperty("meter").GetString(), Is.EqualTo("iops-total"));
            Assert.That(iops.GetProperty("capacity").GetDouble(), Is.EqualTo(10_000));
            Assert.That(iops.GetProperty("capacity-source").GetString(), Is.EqualTo("burst"));
            Assert.That(iops.GetProperty("at-once").GetDouble(), Is.EqualTo(500));
            Assert.That(iops.GetProperty("burst-seconds").GetDouble(), Is.EqualTo(2.5));
            Assert.That(iops.GetProperty("refill-seconds").GetDouble(), Is.EqualTo(10));
            Assert.That(explanation.GetProperty("read").GetProperty("meters").EnumerateArray().Select(item => item.GetString()), Is.EqualTo(new[] { "bps-read", "iops-total" }));
            Assert.That(explanation.GetProperty("read").GetProperty("crossover-bytes").GetDouble(), Is.EqualTo(1048.576));
            Assert.That(explanation.GetProperty("write").GetProperty("meters").EnumerateArray().Select(item => item.GetString()), Is.EqualTo(new[] { "iops-total" }));
            Assert.That(explanation.GetProperty("write").GetProperty("crossover-bytes").ValueKind, Is.EqualTo(JsonValueKind.Null));
            Assert.That(explanation.GetProperty("notes").EnumerateArray().Select(note => note.GetProperty("kind").GetString()), Does.Contain("shared-overshoot"));
        });
    }

    [Test]
    public void A_person_reads_a_table_a_bucket_and_sentences()
    {
        ToolRun run = ToolRun.Own("throttle", "explain", "iops-total=10,iops-total-max=20");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Out, Is.EqualTo(
            """
            meter       long run  burst                  capacity       from  at once        burst lasts  refills in
            iops-total  10/s      20 operations at once  20 operations  pool  20 operations  2 s          2 s

            iops-total
                     ▼       every request pours in its operations
               │           │ above the line the next request waits
               ├ ┄ ┄ ┄ ┄ ┄ ┤ capacity 20 operations
               │▒▒▒▒▒▒▒▒▒▒▒│ level: 0 from idle; what was done and
               │▒▒▒▒▒▒▒▒▒▒▒│ has not leaked out yet
               └────┐ ┌────┘
                    └▼┘      leaks 10/s
               From idle, 21 requests go at once.
               The burst is a pool: it can be gone at once; at R it lasts 20 operations / (R - 10/s).
               After that 10/s; a full bucket is empty again after 2 s of rest.
               In any second 30 operations go at most, and one request more; in any minute 620 operations.

            A read is limited by iops-total.
            A write is limited by iops-total.

            Mind:
              - iops-total-max with a length of 1 is a pool of 20 operations that may be gone at once, not a ceiling; a ceiling needs iops-total-max-length of at least 2.
              - A read and a write that wait for iops-total may start at the same instant, one request too many; what comes next pays for it.
              - Every request counts as one operation, whatever its size: large requests move as many bytes as they like. iops-size makes them count for more; a bps limit bounds the bytes.

            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void Ascii_draws_with_nothing_else()
    {
        ToolRun run = ToolRun.Own("throttle", "explain", "bps-write=1048576,bps-write-max=4194304,bps-write-max-length=60,iops-size=4096,iops-read=3", "--ascii");
        Assert.That(run.Out, Is.Not.Empty, run.Error);
        Assert.That(run.Out.All(char.IsAscii), Is.True, run.Out);
    }

    [Test]
    public void Limits_of_nothing_limit_nothing() =>
        Assert.That(ToolRun.Own("throttle", "explain", "iops-total=0").Out, Is.EqualTo("nothing is limited\n"));

    [TestCase("iops-total=5,iops-read=5", "bps/iops/max total values and read/write values cannot be used at the same time")]
    [TestCase("iops-size=4096", "iops size requires an iops value to be set")]
    [TestCase("iops-total=1000000000000001", "bps/iops/max values must be within [0, 1000000000000000]")]
    [TestCase("iops-total=1,iops-total-max-length=0", "the burst length cannot be 0")]
    [TestCase("iops-total=1,iops-total-max-length=2", "burst length set without burst rate")]
    [TestCase("iops-total=1,iops-total-max=1000000000000000,iops-total-max-length=2", "burst length too high for this burst rate")]
    [TestCase("iops-total-max=5", "bps_max/iops_max require corresponding bps/iops values")]
    [TestCase("iops-total=5,iops-total-max=4", "bps_max/iops_max cannot be lower than bps/iops")]
    [TestCase("iops-total-max-length=4294967296", "iops-total-max-length value must be in the range [0, 4294967295]")]
    [TestCase("limits.iops-total-max-length=4294967296", "limits.iops-total-max-length value must be in the range [0, 4294967295]")]
    [TestCase("iops-total=10M", "Parameter 'iops-total' expects a number")]
    [TestCase("""{"limits":{"iops-total":1.5}}""", "Parameter 'limits.iops-total' expects a number")]
    [TestCase("""{"iops-total":null}""", "Parameter 'iops-total' expects a number")]
    [TestCase("iops-totl=10", "Parameter 'iops-totl' is unexpected (did you mean 'iops-total'?)")]
    [TestCase("iops-total=1,limits.iops-total=2", "Parameter 'limits.iops-total' is given twice")]
    [TestCase("driver=throttle,limits.iops-totl=1", "Block format 'throttle' does not support the option 'limits.iops-totl' (did you mean 'limits.iops-total'?)")]
    [TestCase("driver=raw,file.filename=a", "there is no throttle node in these options (one reads driver=throttle,limits.iops-total=100,file.filename=NAME)")]
    [TestCase("foo", "there are no limits in 'foo' (write iops-total=100, for instance)")]
    [TestCase("{", "JSON parse error, premature EOI")]
    public void What_the_validator_refuses_is_refused_in_its_words(string options, string error)
    {
        ToolRun run = ToolRun.Own("throttle", "explain", options);
        Assert.That(run.Error, Is.EqualTo($"blockgraph: {error}\n"), "the error");
        Assert.That(run.Out, Is.Empty, "standard output");
        Assert.That(run.ExitCode, Is.EqualTo(1), "the exit code");
    }

    private static JsonElement Explain(string options)
    {
        ToolRun run = ToolRun.Own("throttle", "explain", options, "--json");
        Assert.That(run.Error, Is.Empty, "the errors");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        return document.RootElement.Clone();
    }
}
