using System.Text.RegularExpressions;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Tools.Bench;

namespace BlockGraph.Tools.Tests;

/// <summary>What a person sees of a load while it runs.</summary>
[TestFixture]
public sealed partial class BenchScreenTests
{
    private static readonly BenchSnapshot s_throttled = new()
    {
        ElapsedNs = 5_000_000_000,
        DoneCount = 10016,
        Progress = 0.5,
        RequestsPerSecond = 2000,
        BytesPerSecond = 8_192_000,
        Limit = new BindingLimit(new ThrottleGroupRegistry().CreateAnonymous(new ThrottleConfig { IopsTotal = new ThrottleLimits(2000) }), ThrottleMeter.IopsTotal, 1.0 / 4096),
        RateShare = 1,
        WaitNs = 7_400_000,
        DeviceNs = 601_000,
        P99Ns = 9_120_000,
        InFlightCount = 12,
        Depth = 16,
        History = [500, 1000, 2004, 2000, 0],
        MomentNs = 250_000_000,
    };

    [Test]
    public void The_block_shows_rate_against_limit_and_wait_against_device_time() => Assert.That(new BenchScreen(101, hasColour: false).Draw(s_throttled), Is.EqualTo(new[]
    {
        "load   ████████████████░░░░░░░░░░░░░░░░   5.0 s   10016 requests",
        "rate   ████████████████████████████████   2000 IOPS   8.19 MB/s   100 % of iops-total=2000",
        "time   ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒██   wait 7.40 ms   device 601 us   p99 9.12 ms",
        "queue  ████████████████████████░░░░░░░░   12 of 16 under way",
        "trend  ▃▄██▁                              IOPS of the last 1.2 s, at most 2004",
    }));

    [Test]
    public void Without_a_limit_the_rate_stands_against_the_highest_so_far()
    {
        string[] lines = new BenchScreen(101, hasColour: false).Draw(s_throttled with { Limit = null, RateShare = 0.26, WaitNs = 0 });
        Assert.That(lines[1], Is.EqualTo("rate   ████████▍░░░░░░░░░░░░░░░░░░░░░░░   2000 IOPS   8.19 MB/s"));
        Assert.That(lines[2], Is.EqualTo("time   ████████████████████████████████   wait 0 ns   device 601 us   p99 9.12 ms"));
    }

    [Test]
    public void A_load_of_which_nothing_is_known_yet_can_be_drawn()
    {
        BenchSnapshot nothing = s_throttled with { Limit = null, Progress = 0, RateShare = 0, DoneCount = 0, RequestsPerSecond = 0, BytesPerSecond = 0, WaitNs = 0, DeviceNs = 0, P99Ns = 0, InFlightCount = 0, History = [] };
        Assert.That(new BenchScreen(101, hasColour: false).Draw(nothing), Is.EqualTo(new[]
        {
            "load   ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   5.0 s   0 requests",
            "rate   ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   0 IOPS   0.00 MB/s",
            "time   ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   wait 0 ns   device 0 ns   p99 0 ns",
            "queue  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   0 of 16 under way",
            "trend",
        }));
    }

    [Test]
    public void A_narrow_terminal_gets_no_bars() => Assert.That(new BenchScreen(60, hasColour: false).Draw(s_throttled), Is.EqualTo(new[]
    {
        "load   5.0 s   10016 requests",
        "rate   2000 IOPS   8.19 MB/s   100 % of iops-total=2000",
        "time   wait 7.40 ms   device 601 us   p99 9.12 ms",
        "queue  12 of 16 under way",
        "trend  IOPS of the last 1.2 s, at most 2004",
    }));

    [Test]
    public void No_line_is_longer_than_the_terminal_is_wide([Values(1, 5, 20, 40, 66, 70, 80, 120)] int width, [Values] bool hasColour)
    {
        foreach (string line in new BenchScreen(width, hasColour).Draw(s_throttled))
        {
            Assert.That(Escapes().Replace(line, "").Length, Is.LessThan(Math.Max(width, 1)), line);
            Assert.That(Escapes().Replace(line, ""), Does.Not.Contain('\x1b'), "no sequence is cut in two");
        }
    }

    [Test]
    public void Colour_changes_no_character()
    {
        string[] coloured = new BenchScreen(101, hasColour: true).Draw(s_throttled);
        Assert.That(coloured.Select(line => Escapes().Replace(line, "").TrimEnd()), Is.EqualTo(new BenchScreen(101, hasColour: false).Draw(s_throttled)));
        Assert.That(coloured[2], Does.Contain("\x1b[33mwait\x1b[0m").And.Contain("\x1b[32mdevice\x1b[0m"), "as the parts of the bar");
    }

    [TestCase(0, "0 ns")]
    [TestCase(999, "999 ns")]
    [TestCase(1_234, "1.23 us")]
    [TestCase(12_345_678, "12.3 ms")]
    [TestCase(999_600_000, "1.00 s")]
    [TestCase(123_000_000_000, "123 s")]
    public void Durations_have_three_digits(double ns, string text) => Assert.That(BenchScreen.Duration(ns), Is.EqualTo(text));

    [Test]
    public void The_block_is_written_over_and_gone_at_the_end()
    {
        TestConsole console = new() { IsErrorTerminal = true, ErrorWidth = 100 };
        ToolWorldOfVirtualTime(async (context, backend) =>
        {
            BenchLoad load = new() { Depth = 4, DurationNs = 1_000_000_000 };
            BenchRun run = new(backend, load, isVirtualTime: true);
            BenchPulse pulse = new(run, load);
            run.Recent = pulse.Recent;
            using CancellationTokenSource over = new();
            Task progress = BenchProgress.ShowAsync(console, context, pulse, over.Token);
            await run.RunAsync();
            Cancel(over);
            await progress;
        });
        string[] blocks = console.Error.ToString()!.Split("\r\x1b[5A");
        Assert.That(blocks, Has.Length.InRange(4, 5), "one every quarter of a second, and the end");
        Assert.That(blocks[^1], Is.EqualTo("\x1b[J"), "nothing is left");
        Assert.That(blocks[2].Split("\x1b[K\n"), Is.EqualTo(new[]
        {
            "load   ████████████████████████░░░░░░░░   0.8 s   2996 requests",
            "rate   ████████████████████████████████   4000 IOPS   16.38 MB/s",
            "time   ████████████████████████████████   wait 0 ns   device 1.00 ms   p99 1.00 ms",
            "queue  ████████████████████████████████   4 of 4 under way",
            "trend  ███                                IOPS of the last 0.8 s, at most 4000",
            "",
        }), "after three quarters");
    }

    // Here and now: the pool's threads have no part in virtual time.
    private static void Cancel(CancellationTokenSource source) => source.Cancel();

    private static void ToolWorldOfVirtualTime(Func<AioContext, BlockBackend, Task> body) =>
        Dispatch.ToolWorld.Run(BlockCore.DriverModel.CompatibilityProfile.Own, isVirtualTime: true, _ => { }, async world =>
        {
            await using BlockBackend backend = await world.OpenAsync(Qapi.Options.KeyvalParser.Parse("driver=null-co,latency-ns=1000000,read-only=on"), new BackendOptions { ReadOnly = true });
            await body(world.Context, backend);
            return 0;
        });

    [GeneratedRegex("\x1b\\[[0-9]+m")]
    private static partial Regex Escapes();
}
