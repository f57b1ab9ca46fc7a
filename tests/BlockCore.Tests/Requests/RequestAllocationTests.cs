using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>In the steady state a request allocates nothing.</summary>
[TestFixture]
public sealed class RequestAllocationTests
{
    private const int WarmUpRoundCount = 100;
    private const int MeasuredRoundCount = 400;
    private const int WindowCount = 5;

    [Test]
    public void A_request_allocates_nothing([Values("null", "raw", "window", "filter")] string stack, [Values(1, 64)] int depth, [Values] bool usesPlans, [Values] bool isWrite) =>
        AssertNothingAllocated(stack, depth, usesPlans, isWrite, new BackendOptions());

    [Test]
    public void Nor_does_one_that_a_throttled_device_admits([Values("null", "raw")] string stack, [Values(1, 64)] int depth, [Values] bool isWrite)
    {
        ThrottleConfig outOfReach = new() { IopsTotal = new ThrottleLimits(1_000_000_000_000), BpsTotal = new ThrottleLimits(1_000_000_000_000_000) };
        AssertNothingAllocated(stack, depth, usesPlans: true, isWrite, new BackendOptions { Throttling = new BackendThrottling(outOfReach) });
    }

    [Test]
    public void Nor_does_one_that_is_measured([Values("null", "raw", "filter")] string stack, [Values(1, 64)] int depth, [Values] bool isWrite) =>
        AssertNothingAllocated(stack, depth, usesPlans: true, isWrite, new BackendOptions(), isMeasured: true);

    [Test]
    public void Nor_does_one_that_a_dirty_bitmap_follows([Values("null", "raw", "filter")] string stack, [Values(1, 64)] int depth, [Values] bool isWrite) =>
        AssertNothingAllocated(stack, depth, usesPlans: true, isWrite, new BackendOptions(), hasBitmap: true);

    private static void AssertNothingAllocated(string stack, int depth, bool usesPlans, bool isWrite, BackendOptions options, bool isMeasured = false, bool hasBitmap = false)
    {
        using PolledAioContext context = new("test");
        long allocated = -1;
        context.Run(async () =>
        {
            await using NodeGraph graph = new(MainLoop.Pumped(context), [new NullCoDriver(), new RawDriver(), new PassThroughDriver()], new NodeGraphOptions { UsesPlans = usesPlans });
            await using BlockBackend backend = await graph.OpenAsync(OptionsOf(stack), options);
            await using GraphMeasurement? measurement = isMeasured ? await graph.MeasureAsync() : null;
            if (hasBitmap)
            {
                await backend.Root!.AddBitmapAsync("b");
            }

            allocated = await MeasureAsync(backend, depth, isWrite);
        });
        Assert.That(allocated, Is.Zero, $"bytes over {MeasuredRoundCount * depth} requests");
    }

    private static OptionsDictionary OptionsOf(string stack) => GraphFixture.Options(stack switch
    {
        "null" => "driver=null-co",
        "raw" => "driver=raw,file.driver=null-co",
        "window" => "driver=raw,offset=1048576,file.driver=null-co",
        _ => "driver=pass-through,file.driver=raw,file.file.driver=null-co",
    });

    // One round submits as many requests as are to fly together, then awaits them. What is pooled is made in the first rounds. The
    // quietest of several windows counts: the runtime itself allocates now and then, a request that does does so in every window.
    private static async Task<long> MeasureAsync(BlockBackend backend, int depth, bool isWrite)
    {
        byte[] buffer = new byte[4096];
        ValueTask[] flying = new ValueTask[depth];
        long before = 0;
        long quietest = long.MaxValue;
        for (int round = -WarmUpRoundCount; round < WindowCount * MeasuredRoundCount; round++)
        {
            if (round >= 0 && round % MeasuredRoundCount == 0)
            {
                long now = GC.GetAllocatedBytesForCurrentThread();
                quietest = round == 0 ? quietest : Math.Min(quietest, now - before);
                before = now;
            }

            for (int i = 0; i < flying.Length; i++)
            {
#pragma warning disable CA2012 // Each is awaited once, below.
                flying[i] = isWrite ? backend.WriteAsync(i * 4096, buffer) : backend.ReadAsync(i * 4096, buffer);
#pragma warning restore CA2012
            }

            for (int i = 0; i < flying.Length; i++)
            {
                await flying[i];
            }
        }

        return Math.Min(quietest, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
