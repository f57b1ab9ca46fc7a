using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.Tools.Bench;

namespace BlockGraph.Tools.Tests;

/// <summary>A load on drivers of the test's own, and what it allocates.</summary>
[TestFixture]
public class BenchRunTests
{
    private const long LengthBytes = 1 << 20;

    [Test]
    public void A_request_that_fails_ends_the_load_with_its_error()
    {
        ProbeDriver driver = new() { FailingCall = 10 };
        BlockException failure = Assert.Throws<BlockException>(() => Run(driver, new BenchLoad { Depth = 4, RequestCountMax = 100 }))!;
        Assert.That(failure.Message, Is.EqualTo("call 10 fails"));
        Assert.That(driver.CallCount, Is.LessThan(20), "nothing is submitted after it but what other loops had begun");
    }

    [Test]
    public void Requests_that_complete_at_once_leave_the_loop_its_turns()
    {
        ProbeDriver driver = new();
        BenchResult result = Run(driver, new BenchLoad { Depth = 2, DurationNs = 20_000_000 });
        Assert.That(result.RequestCount, Is.Positive, "the deadline was seen");
    }

    [Test]
    public void Reads_in_order_begin_again_at_the_end()
    {
        ProbeDriver driver = new();
        Run(driver, new BenchLoad { Depth = 1, Mix = BenchMix.Read, SizeBytes = 1 << 18, RequestCountMax = 6 });
        Assert.That(driver.Offsets, Is.EqualTo(new long[] { 0, 1 << 18, 2 << 18, 3 << 18, 0, 1 << 18 }));
    }

    [Test]
    public void Random_places_are_whole_requests_inside_the_image_and_differ()
    {
        ProbeDriver driver = new();
        Run(driver, new BenchLoad { Depth = 3, Mix = BenchMix.RandWrite, SizeBytes = 3000, RequestCountMax = 500 });
        Assert.That(driver.Offsets, Has.All.Matches<long>(offset => offset % 3000 == 0 && offset + 3000 <= LengthBytes));
        Assert.That(driver.Offsets.Distinct().Count(), Is.GreaterThan(200));
    }

    [Test]
    public void A_mixed_load_reads_about_as_much_as_it_writes()
    {
        ProbeDriver driver = new();
        Run(driver, new BenchLoad { Mix = BenchMix.Rw, RequestCountMax = 1000 });
        Assert.That(driver.ReadCount, Is.InRange(400, 600));
    }

    [TestCase(1)]
    [TestCase(64)]
    public void A_request_allocates_nothing_in_the_steady_state(int depth)
    {
        using PolledAioContext context = new("bench");
        context.Run(async () =>
        {
            await using NodeGraph graph = new(MainLoop.Pumped(context), [new NullCoDriver()]);
            await using BlockBackend backend = await graph.OpenAsync(new OptionsDictionary { { "driver", "null-co" } });
            await MeasureAsync(backend, depth, 20_000);
            long few = await MeasureAsync(backend, depth, 1_000);
            long many = await MeasureAsync(backend, depth, 51_000);
            Assert.That(many - few, Is.LessThan(4096), "fifty thousand more requests; a fixed part may differ by what the runtime itself does");
        });
    }

    private static async Task<long> MeasureAsync(BlockBackend backend, int depth, long count)
    {
        BenchRun run = new(backend, new BenchLoad { Depth = depth, RequestCountMax = count }, isVirtualTime: false);
        long before = GC.GetAllocatedBytesForCurrentThread();
        await run.RunAsync();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static BenchResult Run(ProbeDriver driver, BenchLoad load)
    {
        BenchResult? result = null;
        using PolledAioContext context = new("bench");
        context.Run(async () =>
        {
            await using NodeGraph graph = new(MainLoop.Pumped(context), [driver]);
            await using BlockBackend backend = await graph.OpenAsync(new OptionsDictionary { { "driver", "probe" } });
            result = await new BenchRun(backend, load, isVirtualTime: false).RunAsync();
        });
        return result!;
    }

    /// <summary>Completes every request at once and remembers where it was; one may fail.</summary>
    private sealed class ProbeDriver : BlockDriver
    {
        public int FailingCall { get; init; }

        public int CallCount { get; private set; }

        public int ReadCount { get; private set; }

        public List<long> Offsets { get; } = [];

        public override string Name => "probe";

        public override string Summary => "for tests";

        public override DriverCategory Category => DriverCategory.Protocol;

        public override OptionSchema Options { get; } = new();

        public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) =>
            Task.FromResult<BlockDriverInstance>(new Instance(this));

        private ValueTask Call(long offset)
        {
            CallCount++;
            Offsets.Add(offset);
            return CallCount == FailingCall
                ? ValueTask.FromException(new BlockException(BlockErrorKind.InputOutput, $"call {CallCount} fails"))
                : default;
        }

        private sealed class Instance(ProbeDriver driver) : BlockDriverInstance
        {
            protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
            {
                driver.ReadCount++;
                return driver.Call(offset);
            }

            protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => driver.Call(offset);

            protected override long GetLengthBytes() => LengthBytes;
        }
    }
}
