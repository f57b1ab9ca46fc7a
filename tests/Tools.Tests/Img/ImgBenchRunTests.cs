using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit;
using BlockGraph.Tools.Img;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>The load of <c>img bench</c>: the order of its requests, its flushes, its failures, and what it allocates. The order and the instants of flushes are those that were seen of qemu-img 7.2.</summary>
[TestFixture]
public class ImgBenchRunTests
{
    private const int LengthBytes = 32768;

    [TestCase(4000, 512, 5000, new long[] { 4000, 9000, 14000, 19000, 24000, 29000, 1232, 6232, 11232, 16232 }, TestName = "Requests_go_round_behind_the_end_by_what_is_left")]
    [TestCase(4000, 512, 100000, new long[] { 4000, 5696, 7392, 9088, 10784, 12480, 14176, 15872 }, TestName = "A_step_longer_than_the_image_goes_round_too")]
    [TestCase(0, 4096, 0, new long[] { 0, 4096, 8192, 12288, 16384, 20480, 24576, 28672, 0, 4096 }, TestName = "A_step_of_nothing_is_as_long_as_a_request")]
    [TestCase(0, 100, 32768, new long[] { 0, 0, 0 }, TestName = "A_step_as_long_as_the_image_stays_where_it_is")]
    [TestCase(28672, 4096, 0, new long[] { 28672, 0, 4096 }, TestName = "A_request_may_end_where_the_image_ends")]
    public void Offsets(long offset, int size, int step, long[] expected)
    {
        ImmediateDriver driver = new(LengthBytes);
        Run(driver, new ImgBenchLoad { RequestCount = expected.Length, Depth = 1, OffsetBytes = offset, SizeBytes = size, StepBytes = step });
        Assert.That(driver.Offsets, Is.EqualTo(expected), "as strace shows for qemu-img");
    }

    [Test]
    public void The_first_request_may_lie_behind_the_end_and_fails_there()
    {
        ImmediateDriver driver = new(LengthBytes);
        BlockException failure = Assert.Throws<BlockException>(() => Run(driver, new ImgBenchLoad { RequestCount = 10, OffsetBytes = long.MaxValue }))!;
        Assert.That(failure.Message, Does.StartWith($"Failed request: The range {long.MaxValue}+4096 lies outside the image of 32768 bytes"));
        Assert.That(driver.Offsets, Is.Empty, "nothing reaches the storage");
    }

    [Test]
    public void An_empty_image_fails_the_first_request()
    {
        BlockException failure = Assert.Throws<BlockException>(() => Run(new ImmediateDriver(0), new ImgBenchLoad { RequestCount = 10 }))!;
        Assert.That(failure.Message, Does.StartWith("Failed request: The range 0+4096 lies outside"));
    }

    [TestCase(0, 64)]
    [TestCase(1000, 0)]
    public void Nothing_to_do_is_done_at_once(int count, int depth)
    {
        ImmediateDriver driver = new(LengthBytes);
        Run(driver, new ImgBenchLoad { RequestCount = depth == 0 ? 0 : count, Depth = depth });
        Assert.That(driver.Offsets, Is.Empty);
    }

    [Test]
    public void Requests_of_no_length_are_requests()
    {
        ImmediateDriver driver = new(LengthBytes);
        Run(driver, new ImgBenchLoad { RequestCount = 5, Depth = 2, SizeBytes = 0 });
        Assert.That(driver.Offsets, Is.All.Zero, "a step of nothing");
    }

    [TestCase(1)]
    [TestCase(64)]
    public void What_completes_at_once_neither_recurses_nor_keeps_the_loop_from_its_turns(int depth)
    {
        ImmediateDriver driver = new(LengthBytes);
        int turnCount = 0;
        using PolledAioContext context = new("bench");
        context.Run(async () =>
        {
            await using NodeGraph graph = new(MainLoop.Pumped(context), [driver]);
            await using BlockBackend backend = await graph.OpenAsync(new OptionsDictionary { { "driver", "immediate" } });
            Task load = new ImgBenchRun(backend, new ImgBenchLoad { RequestCount = 20_000, Depth = depth, IsWrite = true, FlushInterval = 64 }, ImgName.Own).RunAsync();
            while (!load.IsCompleted)
            {
                turnCount++;
                await context.YieldAsync();
            }

            await load;
        });
        Assert.That(driver.Offsets, Has.Count.EqualTo(20_000));
        Assert.That(driver.StackFrameCountMax, Is.LessThan(100), "frames under a request");
        Assert.That(turnCount, Is.GreaterThan(500), "others had a turn for every 32 requests");
    }

    // backend -- 'd' [scripted]
    [Test]
    public void As_many_requests_are_under_way_as_there_are_slots_each_with_its_own_part_of_the_buffer()
    {
        using GraphFixture fixture = new();
        fixture.Run(async () =>
        {
            BlockBackend backend = await fixture.OpenAsync("driver=scripted,node-name=d,size=32k");
            ScriptedNode storage = fixture.Scripted.Node("d");
            storage.Hold(RequestKind.Write);
            Task run = new ImgBenchRun(backend, new ImgBenchLoad { RequestCount = 6, Depth = 3, IsWrite = true, Pattern = 0x5a }, ImgName.Own).RunAsync();
            await fixture.World.MainContext.YieldAsync();
            Assert.That(storage.Pending.Select(request => request.Offset), Is.EqualTo(new long[] { 0, 4096, 8192 }), "in order, as deep as wanted");
            Memory<byte>[] buffers = [.. storage.Pending.Select(request => request.Buffer.TryGetSingle(out Memory<byte> memory) ? memory : default)];
            Assert.That(buffers.All(buffer => buffer.Length == 4096 && buffer.Span.IndexOfAnyExcept((byte)0x5a) < 0), "full of the pattern");
            buffers[1].Span.Fill(1);
            Assert.That(buffers[0].Span[0] + buffers[2].Span[0], Is.EqualTo(2 * 0x5a), "none is another's");

            storage.Pending[1].Succeed();
            await fixture.World.MainContext.YieldAsync();
            await fixture.World.MainContext.YieldAsync();
            Assert.That(storage.Pending.Select(request => request.Offset), Is.EqualTo(new long[] { 0, 8192, 12288 }), "whoever is first done goes on");
            Assert.That(run.IsCompleted, Is.False);
            storage.Hold();
            storage.SucceedAll();
            await run;
            Assert.That(storage.ArrivedCount, Is.EqualTo(6));
            await backend.DisposeAsync();
        });
    }

    // The number of requests still to be submitted decides, as strace shows for qemu-img: at depth 2 and an interval of 4 the first flush of
    // 10 requests comes after two of them.
    [TestCase(1, 2, 6, "WWF WWF WWF")]
    [TestCase(2, 4, 10, "WWF WWWWF WWWWF")]
    [TestCase(4, 6, 20, "WWWWWWWWF WWWWWWF WWWWWWF")]
    [TestCase(4, 0, 5, "WWWWW")]
    [TestCase(1, 4, 3, "WWWF")]
    public void A_flush_waits_for_the_requests_under_way_and_the_next_ones_for_it(int depth, int interval, int count, string expected)
    {
        using GraphFixture fixture = new();
        fixture.Run(async () =>
        {
            BlockBackend backend = await fixture.OpenAsync("driver=scripted,node-name=d,size=1M");
            List<RequestKind> arrived = [];
            ScriptedNode storage = fixture.Scripted.Node("d");
            storage.Hold();
            storage.Arrived = request =>
            {
                Assert.That(request.Kind != RequestKind.Flush || storage.Pending.All(other => other.Kind == RequestKind.Flush), "nothing is under way beside a flush");
                arrived.Add(request.Kind);
            };
            ImgBenchRun run = new(backend, new ImgBenchLoad { RequestCount = count, Depth = depth, IsWrite = true, FlushInterval = interval }, ImgName.Own);
            await run.RunAsync();
            await run.FinishFlushesAsync();
            Assert.That(string.Concat(arrived.Select(kind => kind == RequestKind.Flush ? 'F' : 'W')), Is.EqualTo(expected.Replace(" ", "", StringComparison.Ordinal)));
            await backend.DisposeAsync();
        });
    }

    [Test]
    public void A_flush_goes_beside_the_requests_where_it_does_not_drain()
    {
        using GraphFixture fixture = new();
        fixture.Run(async () =>
        {
            BlockBackend backend = await fixture.OpenAsync("driver=scripted,node-name=d,size=1M");
            ScriptedNode storage = fixture.Scripted.Node("d");
            storage.Hold(RequestKind.Flush);
            ImgBenchRun run = new(backend, new ImgBenchLoad { RequestCount = 12, Depth = 1, IsWrite = true, FlushInterval = 4, DrainsToFlush = false }, ImgName.Own);
            await run.RunAsync();
            Assert.That(storage.Pending, Is.Not.Empty, "the requests have not waited for a flush");
            Assert.That(storage.Pending.Select(request => request.Kind), Is.All.EqualTo(RequestKind.Flush));
            Task flushes = run.FinishFlushesAsync();
            Assert.That(flushes.IsCompleted, Is.False, "the flushes are waited for in the end");
            storage.Hold();
            storage.SucceedAll();
            await flushes;
            await backend.DisposeAsync();
        });
    }

    [TestCase(true, "Failed request: ")]
    [TestCase(false, "Failed flush request: ")]
    public void A_flush_that_fails_ends_the_load(bool drains, string prefix)
    {
        using GraphFixture fixture = new();
        fixture.Run(async () =>
        {
            BlockBackend backend = await fixture.OpenAsync("driver=scripted,node-name=d,size=1M");
            ScriptedNode storage = fixture.Scripted.Node("d");
            storage.Hold();
            storage.Fail(RequestKind.Flush, BlockErrorKind.NoSpace);
            ImgBenchRun run = new(backend, new ImgBenchLoad { RequestCount = 1000, Depth = 1, IsWrite = true, FlushInterval = 2, DrainsToFlush = drains }, ImgName.Qemu);
            BlockException failure = (await Assert.ThrowsAsync<BlockException>(run.RunAsync))!;
            Assert.That(failure.Message, Is.EqualTo(prefix + "No space left on device"));
            Assert.That(storage.ArrivedCount, Is.LessThan(100), "soon");
            storage.Fail(RequestKind.Flush, null);
            await backend.DisposeAsync();
        });
    }

    [Test]
    public void A_request_that_fails_ends_the_load_when_those_under_way_are_over()
    {
        using GraphFixture fixture = new();
        fixture.Run(async () =>
        {
            BlockBackend backend = await fixture.OpenAsync("driver=scripted,node-name=d,size=1M");
            ScriptedNode storage = fixture.Scripted.Node("d");
            storage.Hold(RequestKind.Read);
            Task run = new ImgBenchRun(backend, new ImgBenchLoad { RequestCount = 100, Depth = 4 }, ImgName.Own).RunAsync();
            await fixture.World.MainContext.YieldAsync();
            storage.Pending[2].FailWith(BlockErrorKind.InputOutput);
            await fixture.World.MainContext.YieldAsync();
            await fixture.World.MainContext.YieldAsync();
            Assert.That(run.IsCompleted, Is.False, "three are under way");
            storage.SucceedAll();
            BlockException failure = (await Assert.ThrowsAsync<BlockException>(() => run))!;
            Assert.That(failure.Message, Is.EqualTo("Failed request: Input/output error"));
            Assert.That(storage.ArrivedCount, Is.EqualTo(4), "nothing was submitted after it");
            await backend.DisposeAsync();
        });
    }

    [Test]
    public void A_failure_inside_the_submission_ends_the_load()
    {
        ImmediateDriver driver = new(LengthBytes) { FailingCall = 10 };
        BlockException failure = Assert.Throws<BlockException>(() => Run(driver, new ImgBenchLoad { RequestCount = 1000 }))!;
        Assert.That(failure.Message, Is.EqualTo("Failed request: call 10 fails"));
        Assert.That(driver.Offsets, Has.Count.EqualTo(10));
    }

    [TestCase(int.MaxValue, 4096)]
    [TestCase(2, int.MaxValue)]
    [TestCase(int.MaxValue, 0)]
    public void More_buffers_than_there_is_memory_for_are_refused(int depth, int size)
    {
        BlockException failure = Assert.Throws<BlockException>(() => Run(new ImmediateDriver(LengthBytes), new ImgBenchLoad { RequestCount = int.MaxValue, Depth = depth, SizeBytes = size }))!;
        Assert.That(failure.Message, Is.EqualTo($"Cannot allocate {depth} buffers of {size} bytes"));
    }

    [Test]
    public void Only_as_many_buffers_are_made_as_there_are_requests()
    {
        ImmediateDriver driver = new(LengthBytes);
        Run(driver, new ImgBenchLoad { RequestCount = 3, Depth = int.MaxValue });
        Assert.That(driver.Offsets, Has.Count.EqualTo(3));
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

    private static async Task<long> MeasureAsync(BlockBackend backend, int depth, int count)
    {
        ImgBenchRun run = new(backend, new ImgBenchLoad { Depth = depth, RequestCount = count }, ImgName.Own);
        long before = GC.GetAllocatedBytesForCurrentThread();
        await run.RunAsync();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Run(BlockDriver driver, ImgBenchLoad load)
    {
        using PolledAioContext context = new("bench");
        context.Run(async () =>
        {
            await using NodeGraph graph = new(MainLoop.Pumped(context), [driver]);
            await using BlockBackend backend = await graph.OpenAsync(new OptionsDictionary { { "driver", driver.Name } });
            ImgBenchRun run = new(backend, load, ImgName.Own);
            await run.RunAsync();
            await run.FinishFlushesAsync();
        });
    }
}
