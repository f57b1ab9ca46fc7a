using System.Text;

namespace BlockGraph.Tools.Tests;

/// <summary>Commands from standard input, and requests in virtual time.</summary>
[TestFixture]
public class IoInputTests
{
    private const string Throttled = "driver=throttle,limits.iops-total=100,throttle-group=bar,";
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void Sixty_throttled_writes_take_exactly_490_ms_of_virtual_time_and_reach_the_file()
    {
        string path = _folder.Image("t.img", 1 << 20);
        StringBuilder input = new();
        for (int i = 0; i < 60; i++)
        {
            input.Append(System.Globalization.CultureInfo.InvariantCulture, $"aio_write -q -P {i + 1} {i * 4096} 4096\n");
        }

        ToolRun run = ToolRun.By("blockgraph", input.ToString(), "io", "--virtual-time", $"{Throttled}file.driver=raw,file.file.filename={path}");
        Assert.That(run.Out, Is.EqualTo("virtual time: 490 ms\n"), "eleven at once, then one every 10 ms");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        byte[] bytes = File.ReadAllBytes(path);
        for (int i = 0; i < 60; i++)
        {
            Assert.That(bytes.AsSpan(i * 4096, 4096).IndexOfAnyExcept((byte)(i + 1)), Is.Negative, $"block {i}");
        }

        Assert.That(bytes.AsSpan(60 * 4096).IndexOfAnyExcept((byte)0), Is.Negative, "the rest is as it was");
    }

    [Test]
    public void Waiting_for_submitted_requests_keeps_their_limits()
    {
        ToolRun run = ToolRun.Own(["io", "--virtual-time", Throttled + "file.driver=null-co", .. Repeat("aio_read -q 0 512", 13), "-c", "aio_flush"]);
        Assert.That(run.Out, Is.EqualTo("virtual time: 20 ms\n"));
    }

    [Test]
    public void Virtual_time_passes_by_sleeping_and_by_latency()
    {
        ToolRun run = ToolRun.Own("io", "--virtual-time", "driver=null-co,latency-ns=1500", "-c", "sleep 2", "-c", "read -q 0 512");
        Assert.That(run.Out, Is.EqualTo("virtual time: 2.0015 ms\n"));
    }

    [Test]
    public void A_request_that_takes_no_time_has_an_infinite_rate()
    {
        ToolRun run = ToolRun.Own("io", "--virtual-time", "driver=null-co", "-c", "read 0 512", "-c", "read -C 0 512");
        Assert.That(run.Out, Is.EqualTo(
            "read 512/512 bytes at offset 0\n512 bytes, 1 ops; 00.00 sec (inf EiB/sec and inf ops/sec)\n512,1,0:00:00.00,inf,inf\nvirtual time: 0 ms\n"));
    }

    [Test]
    public void A_latency_is_what_the_result_tells()
    {
        ToolRun run = ToolRun.Own("io", "--virtual-time", "driver=null-co,latency-ns=100000000", "-c", "read 0 512");
        Assert.That(run.OutLines[1], Is.EqualTo("512 bytes, 1 ops; 00.10 sec (5 KiB/sec and 10.0000 ops/sec)"));
    }

    [Test]
    public void Lines_of_input_run_in_order_without_a_prompt()
    {
        ToolRun run = ToolRun.By("blockgraph", "length\nfrob\nlength", "io", "driver=null-co");
        Assert.That(run.Out, Is.EqualTo("1 GiB\n1 GiB\n"));
        Assert.That(run.Error, Is.EqualTo("command \"frob\" not found\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void A_person_gets_a_prompt_and_a_line_end_after_the_last()
    {
        TestConsole console = new() { In = new StringReader("length\n"), IsInputTerminal = true };
        Assert.That(ToolRun.On(console, "blockgraph", "io", "driver=null-co").Out, Is.EqualTo("blockgraph> 1 GiB\nblockgraph> \n"));
    }

    [Test]
    public void A_person_may_quit()
    {
        TestConsole console = new() { In = new StringReader("q\nlength\n"), IsInputTerminal = true };
        Assert.That(ToolRun.On(console, "blockgraph", "io", "driver=null-co").Out, Is.EqualTo("blockgraph> "));
    }

    [Test]
    public void Input_that_cannot_be_read_is_an_error()
    {
        TestConsole console = new() { In = new BrokenReader() };
        ToolRun run = ToolRun.On(console, "blockgraph", "io", "driver=null-co");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, "blockgraph: Standard input or output: the cable is out\n")));
    }

    private static IEnumerable<string> Repeat(string command, int count) => Enumerable.Repeat(new[] { "-c", command }, count).SelectMany(pair => pair);

    private sealed class BrokenReader : TextReader
    {
        public override string ReadLine() => throw new IOException("the cable is out");
    }
}
