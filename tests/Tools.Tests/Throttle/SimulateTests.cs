using System.Text;
using System.Text.Json;

namespace BlockGraph.Tools.Tests.Throttle;

/// <summary><c>throttle simulate</c> with vectors: real throttle nodes on a simulated clock, and what may be wrong with a file.</summary>
[TestFixture]
public class SimulateTests
{
    private static readonly string s_vectors = ReadVectors();

    public static IEnumerable<TestCaseData> Vectors()
    {
        using JsonDocument document = JsonDocument.Parse(s_vectors);
        foreach (JsonElement vector in document.RootElement.EnumerateArray())
        {
            yield return new TestCaseData(vector.Clone()).SetArgDisplayNames(vector.GetProperty("name").GetString()!);
        }
    }

    [TestCaseSource(nameof(Vectors))]
    public void A_vector_is_met_to_the_nanosecond(JsonElement vector)
    {
        JsonElement result = Simulate($"[{vector.GetRawText()}]").Single();
        Assert.That(result.EnumerateObject().Select(field => field.Name), Is.EqualTo(new[] { "name", "admitted_at_ns" }), "the fields");
        Assert.That(result.GetProperty("name").GetString(), Is.EqualTo(vector.GetProperty("name").GetString()), "the name");
        Assert.That(Longs(result), Is.EqualTo(Longs(vector)), "the instants, in the order of the requests");
    }

    [Test]
    public void A_file_gives_one_document_with_all_vectors_in_order()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("vectors.json"), s_vectors, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        ToolRun run = ToolRun.Own("throttle", "simulate", folder.File("vectors.json"));
        Assert.That(run.Error, Is.Empty, "the errors");
        Assert.That(run.OutLines, Has.Length.EqualTo(1), "one document on one line");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        Assert.That(document.RootElement.GetArrayLength(), Is.EqualTo(15), "the vectors");
        Assert.That(
            document.RootElement.EnumerateArray().Select(item => item.GetProperty("name").GetString()),
            Is.EqualTo(Vectors().Select(data => ((JsonElement)data.Arguments[0]!).GetProperty("name").GetString())),
            "their order");
    }

    [Test]
    public void Unordered_requests_are_submitted_when_they_come_and_told_in_their_order()
    {
        // Of eleven at once the bucket lets ten and one more go: the one that comes last in the file is there first.
        string early = string.Join(',', Enumerable.Repeat(Request(0), 11));
        Assert.That(
            Longs(Simulate(Vector("iops-total", 100, $"{Request(5_000_000)},{early}")).Single()),
            Is.EqualTo(new long[] { 10_000_000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }),
            "the first in the file is the last to come");
    }

    [Test]
    public void A_request_of_an_instant_comes_before_whoever_is_woken_then()
    {
        // The write comes at the very instant that the read is woken for, and finds the bucket at its brim: both go.
        string requests = $"{string.Join(',', Enumerable.Repeat(Request(0), 12))},{Request(10_000_000, "write")}";
        Assert.That(Longs(Simulate(Vector("iops-total", 100, requests)).Single())[^2..], Is.EqualTo(new long[] { 10_000_000, 10_000_000 }), "the two");
    }

    [Test]
    public void Every_kind_of_request_is_understood_and_only_flushes_go_free()
    {
        string requests = string.Join(',', Request(0, "write-zeroes"), Request(0, "discard"), Request(0, "write"), Request(0, "flush"), """{"t_ns":0,"member":0,"kind":"flush"}""", Request(0));
        Assert.That(Longs(Simulate(Vector("iops-write", 1, requests)).Single()), Is.EqualTo(new long[] { 0, 900_000_000, 1_900_000_000, 0, 0, 0 }), "one a second, one tenth in advance");
    }

    [Test]
    public void Requests_of_nothing_cost_an_operation_and_no_bytes()
    {
        string nothing = string.Join(',', Request(0, "read", 0), Request(0, "write", 0), Request(0, "write-zeroes", 0), Request(0, "discard", 0));
        Assert.That(Longs(Simulate(Vector("iops-total", 10, nothing)).Single()).Count(ns => ns == 0), Is.EqualTo(3), "a bucket of one operation takes two, and letting go of nothing is no operation");
        Assert.That(Longs(Simulate(Vector("bps-total", 1, nothing)).Single()), Is.All.Zero, "no bytes, no wait");
    }

    [Test]
    public void Waits_of_years_take_no_time()
    {
        string requests = string.Join(',', Request(0, "read", 1 << 30), Request(0), Request(0, "discard", 1L << 40));
        long[] admitted = Longs(Simulate(Vector("bps-total", 1, requests)).Single());
        Assert.That(admitted, Is.EqualTo(new long[] { 0, 1_073_741_823_900_000_000, 1_073_741_823_900_000_000 }), "34 years, for the read and for the discard");
    }

    [Test]
    public void What_the_clock_cannot_show_is_an_error()
    {
        string requests = string.Join(',', Request(0, "discard", 1L << 60), Request(0, "discard", 1L << 60), Request(0, "discard", 1L << 60));
        AssertRefused(Vector("bps-total", 1, requests), "vector 'v': the waits go beyond the 292 years that the simulated clock can show");
    }

    [Test]
    public void A_hundred_thousand_requests_of_one_instant_are_simulated_at_once()
    {
        const int Count = 100_000;
        long[] admitted = Longs(Simulate(Vector("iops-total", 1000, string.Join(',', Enumerable.Repeat(Request(0), Count)))).Single());
        Assert.That(admitted[100], Is.Zero, "the 101st");
        Assert.That(admitted[^1], Is.EqualTo((Count - 101) * 1_000_000L), "the last");
    }

    [TestCase("", "no valid JSON at line 1, byte 1")]
    [TestCase("[\n{},]", "no valid JSON at line 2, byte 4")]
    [TestCase("""[{"name":"a","name":"b"}]""", "no valid JSON: a field is there twice")]
    [TestCase("{}", "an array of vectors is expected")]
    [TestCase("[3]", "vector 0: an object is expected")]
    [TestCase("[{}]", "vector 0, field 'name': is missing")]
    [TestCase("""[{"name":"a"}]""", "vector 'a', field 'limits': is missing")]
    [TestCase("""[{"name":"a","limits":{"iops-totl":1}}]""", "vector 'a', field 'limits': Parameter 'limits.iops-totl' is unexpected")]
    [TestCase("""[{"name":"a","limits":{"iops-total":"1"}}]""", "vector 'a', field 'limits': Invalid parameter type for 'limits.iops-total', expected: integer")]
    [TestCase("""[{"name":"a","limits":{"iops-total":1.5}}]""", "vector 'a', field 'limits': Invalid parameter type for 'limits.iops-total', expected: integer")]
    [TestCase("""[{"name":"a","limits":{"iops-total":1,"iops-read":1}}]""", "vector 'a', field 'limits': bps/iops/max total values and read/write values cannot be used at the same time")]
    [TestCase("""[{"name":"a","limits":{"iops-total-max-length":4294967296}}]""", "vector 'a', field 'limits': limits.iops-total-max-length value must be in the range [0, 4294967295]")]
    [TestCase("""[{"name":"a","limits":{},"members":0}]""", "vector 'a', field 'members': an integer from 1 to 4096 is expected")]
    [TestCase("""[{"name":"a","limits":{},"members":1}]""", "vector 'a', field 'requests': is missing")]
    [TestCase("""[{"name":"a","limits":{},"members":1,"requests":[7]}]""", "vector 'a', request 0: an object is expected")]
    [TestCase("""[{"name":"a","limits":{},"members":1,"requests":[{"t_ns":-1}]}]""", "vector 'a', request 0, field 't_ns': an integer from 0 to 9223372036854775807 is expected")]
    [TestCase("""[{"name":"a","limits":{},"members":2,"requests":[{"t_ns":0,"member":2}]}]""", "vector 'a', request 0, field 'member': an integer from 0 to 1 is expected")]
    [TestCase("""[{"name":"a","limits":{},"members":1,"requests":[{"t_ns":0,"member":0,"kind":"rd"}]}]""", "vector 'a', request 0, field 'kind': 'rd' is none of read, write, write-zeroes, discard, flush")]
    [TestCase("""[{"name":"a","limits":{},"members":1,"requests":[{"t_ns":0,"member":0,"kind":"read"}]}]""", "vector 'a', request 0, field 'bytes': is missing")]
    [TestCase("""[{"name":"a","limits":{},"members":1,"requests":[{"t_ns":0,"member":0,"kind":"read","bytes":-1}]}]""", "vector 'a', request 0, field 'bytes': an integer from 0 to 9223372036854775807 is expected")]
    [TestCase("""[{"name":"a","limits":{},"members":1,"requests":[{"t_ns":0,"member":0,"kind":"read","bytes":2147483648}]}]""", "vector 'a', request 0, field 'bytes': 2147483648 is more than one request takes (2147483136)")]
    public void A_malformed_file_is_told_by_vector_request_and_field(string json, string error) => AssertRefused(json, error);

    [Test]
    public void A_bad_vector_behind_good_ones_leaves_standard_output_empty() =>
        AssertRefused($"[{s_vectors.Trim().Trim('[', ']')},{{}}]", "vector 15, field 'name': is missing");

    [Test]
    public void A_file_that_is_not_there_is_an_error()
    {
        ToolRun run = ToolRun.Own("throttle", "simulate", "no-such-file.json");
        Assert.That(run.Error, Is.EqualTo("blockgraph: Could not open 'no-such-file.json': No such file or directory\n"), "the error");
        Assert.That(run.ExitCode, Is.EqualTo(1), "the exit code");
    }

    private static void AssertRefused(string json, string error)
    {
        ToolRun run = ToolRun.By("blockgraph", json, "throttle", "simulate", "-");
        Assert.That(run.Error, Is.EqualTo($"blockgraph: standard input: {error}\n"), "the error");
        Assert.That(run.Out, Is.Empty, "standard output");
        Assert.That(run.ExitCode, Is.EqualTo(1), "the exit code");
    }

    private static string ReadVectors()
    {
        using Stream stream = typeof(SimulateTests).Assembly.GetManifestResourceStream("throttle-vectors.json")!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    private static string Request(long atNs, string kind = "read", long bytes = 512) => $$"""{"t_ns":{{atNs}},"member":0,"kind":"{{kind}}","bytes":{{bytes}}}""";

    private static string Vector(string limit, long value, string requests) => $$"""[{"name":"v","limits":{"{{limit}}":{{value}}},"members":1,"requests":[{{requests}}]}]""";

    private static JsonElement[] Simulate(string json)
    {
        ToolRun run = ToolRun.By("blockgraph", json, "throttle", "simulate", "-");
        Assert.That(run.Error, Is.Empty, "the errors");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        return [.. document.RootElement.EnumerateArray().Select(item => item.Clone())];
    }

    private static long[] Longs(JsonElement vector) => [.. vector.GetProperty("admitted_at_ns").EnumerateArray().Select(value => value.GetInt64())];
}
