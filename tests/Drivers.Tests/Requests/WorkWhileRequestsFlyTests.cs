using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.Drivers.Tests.Requests;

/// <summary>A layer that had nothing to do and is skipped gets work while requests fly: the next request does it, whoever submits it.</summary>
[TestFixture]
public sealed class WorkWhileRequestsFlyTests
{
    private const int SeedCount = 40;
    private const int BlockBytes = 4096;
    private const int BlockCount = 64;

    // blk -> raw -> throttle (no limits) -> raw -> memory
    [Test]
    public void A_throttle_that_gets_limits_holds_back_the_next_request([Values] bool usesPlans) => RunSeeds(usesPlans, async (seed, fixture) =>
    {
        BlockBackend backend = await fixture.OpenAsync(
            "driver=raw,file.driver=throttle,file.node-name=t,file.file.driver=raw,file.file.file.driver=memory,file.file.file.filename=disk,file.file.file.node-name=disk,file.file.file.latency-ns-max=100000");
        AioContext other = fixture.World.CreateContext("other");
        await backend.AddSubmitterAsync(other);
        Assert.That(backend.RootEdge!.Plan().Target.Name, Is.EqualTo(usesPlans ? "disk" : backend.Root!.Name), "without limits it is skipped");
        ThrottleGroup group = ((ThrottleFilterInstance)fixture.Graph.FindNode("t")!.Instance).Member.Group;
        List<Task> flying = [.. await SubmitSometimesAsync(fixture, fixture.Context, backend, 0, 10), .. await other.RunAsync(() => SubmitSometimesAsync(fixture, other, backend, 10, 10))];
        Limit(group, operationsPerSecond: 10);

        // One at once, the others a tenth of a second apart.
        Task[] later = [.. await SubmitSometimesAsync(fixture, fixture.Context, backend, 20, 4), .. await other.RunAsync(() => SubmitSometimesAsync(fixture, other, backend, 24, 4))];
        await Task.WhenAll(flying);
        await fixture.Context.DelayAsync(20_000_000);
        Assert.That(later.Count(request => request.IsCompleted), Is.LessThanOrEqualTo(2), $"seed {seed}: those that came after the limits");
        Limit(group, operationsPerSecond: 0);
        await Task.WhenAll(later);
        Assert.That(backend.RootEdge!.Plan().Target.Name, Is.EqualTo(usesPlans ? "disk" : backend.Root!.Name), $"seed {seed}: without limits it is skipped again");
    });

    // blk -> raw -> cow -> memory, backing: memory
    [Test]
    public void Copying_that_is_switched_on_copies_what_the_next_read_reads([Values] bool usesPlans) => RunSeeds(usesPlans, async (seed, fixture) =>
    {
        CowImage.Format(fixture.Memory.Storage("top"), new CowImageOptions(BlockCount * BlockBytes));
        BlockBackend backend = await fixture.OpenAsync("driver=cow,node-name=top,file.driver=memory,file.filename=top,file.latency-ns-max=50000,backing.driver=memory,backing.filename=base,backing.latency-ns-max=50000");
        Task[] early = await ReadSometimesAsync(fixture, backend, 0, 16);
        await backend.SetCopyOnReadAsync(true);
        Task[] later = await ReadSometimesAsync(fixture, backend, 16, 16);
        await Task.WhenAll(early);
        await Task.WhenAll(later);
        await backend.SetCopyOnReadAsync(false);
        await Task.WhenAll(await ReadSometimesAsync(fixture, backend, 32, 16));
        for (int block = 16; block < 48; block++)
        {
            BlockStatus status = await backend.GetStatusAsync(block * BlockBytes, 1);
            Assert.That(status.IsAllocated, Is.EqualTo(block < 32), $"seed {seed}: block {block}, read {(block < 32 ? "while it was on" : "when it was off again")}");
        }
    });

    // blk -> raw -> throttle (no limits) -> memory
    [Test]
    public void Measuring_that_is_switched_on_counts_the_next_request([Values] bool usesPlans) => RunSeeds(usesPlans, async (seed, fixture) =>
    {
        BlockBackend backend = await fixture.OpenAsync("driver=raw,node-name=top,file.driver=throttle,file.node-name=t,file.file.driver=memory,file.file.filename=disk,file.file.latency-ns-max=100000");
        Task[] early = await SubmitSometimesAsync(fixture, fixture.Context, backend, 0, 20);
        await using GraphMeasurement measurement = await fixture.Graph.MeasureAsync();
        int openCount = early.Count(request => !request.IsCompleted);
        Task[] later = await SubmitSometimesAsync(fixture, fixture.Context, backend, 20, 20);
        await Task.WhenAll([.. early, .. later]);
        foreach (string name in new[] { "top", "t" })
        {
            long count = measurement.ReadNodes().Single(node => node.Node.Name == name).Operations.Single(operation => operation.Kind == RequestKind.Write).Counters.OperationCount;
            Assert.That(count, Is.InRange(20, 20 + openCount), $"seed {seed}: writes that '{name}' has seen: each that came later, and at most those that were under way");
        }
    });

    private static void RunSeeds(bool usesPlans, Func<int, GraphFixture, Task> body)
    {
        for (int seed = 0; seed < SeedCount; seed++)
        {
            int number = seed;
            using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, [new RawDriver(), new ThrottleFilterDriver()], new NodeGraphOptions { UsesPlans = usesPlans });
            fixture.Run(() => body(number, fixture));
        }
    }

    private static void Limit(ThrottleGroup group, long operationsPerSecond) =>
        group.SetConfig(new ThrottleConfig { IopsTotal = ThrottleLimits.None with { Rate = operationsPerSecond } });

    private static async Task<Task[]> SubmitSometimesAsync(GraphFixture fixture, AioContext context, BlockBackend backend, int first, int count)
    {
        Task[] requests = new Task[count];
        for (int i = 0; i < count; i++)
        {
            requests[i] = backend.WriteAsync((long)(first + i) * BlockBytes, new byte[BlockBytes]).AsTask();
            await context.DelayAsync(fixture.World.Chance.NextLong(10_000));
        }

        return requests;
    }

    private static async Task<Task[]> ReadSometimesAsync(GraphFixture fixture, BlockBackend backend, int first, int count)
    {
        Task[] requests = new Task[count];
        for (int i = 0; i < count; i++)
        {
            requests[i] = backend.ReadAsync((long)(first + i) * BlockBytes, new byte[512]).AsTask();
            await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(10_000));
        }

        return requests;
    }
}
