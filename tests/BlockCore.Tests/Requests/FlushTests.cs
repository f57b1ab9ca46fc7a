using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>Flushes, statement by statement of the reference: which reach a disk, which wait, which have nothing left to do.</summary>
[TestFixture]
public sealed class FlushTests : GraphTests
{
    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver(), new BlkdebugDriver(), new PairFormatDriver()]);

    [Test]
    public void A_disk_that_nothing_was_written_to_is_not_flushed() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync();
        await backend.FlushAsync();
        await backend.ReadAsync(0, new byte[512]);
        await backend.FlushAsync();
        Assert.That(Flushes(disk), Is.Zero, "since it was opened");
        await backend.WriteAsync(0, new byte[512]);
        await backend.FlushAsync();
        await backend.FlushAsync();
        Assert.That(Flushes(disk), Is.EqualTo(1), "since the last flush");
    });

    [TestCase(RequestKind.Write)]
    [TestCase(RequestKind.WriteZeroes)]
    [TestCase(RequestKind.Discard)]
    public void Whatever_may_have_changed_something_is_flushed_whether_it_succeeded_or_not(RequestKind kind) => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync();
        disk.TakesZeroes = true;
        disk.TakesDiscards = true;
        await IssueAsync(backend, kind);
        await backend.FlushAsync();
        Assert.That(Flushes(disk), Is.EqualTo(1), "after a success");
        disk.Fail(kind, BlockErrorKind.InputOutput);
        await Failure.OfRequestAsync(() => IssueAsync(backend, kind));
        await backend.FlushAsync();
        Assert.That(Flushes(disk), Is.EqualTo(2), "after a failure");
    });

    [Test]
    public void A_new_length_is_flushed() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync();
        disk.CanResize = true;
        await backend.TruncateAsync(4096);
        await backend.FlushAsync();
        Assert.That(Flushes(disk), Is.EqualTo(1), "a length is lost like data");
    });

    [Test]
    public void A_flush_that_failed_is_made_again() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync();
        await backend.WriteAsync(0, new byte[512]);
        disk.Fail(RequestKind.Flush, BlockErrorKind.InputOutput);
        Assert.That((await Failure.OfRequestAsync(() => backend.FlushAsync())).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "it fails");
        await Failure.OfRequestAsync(() => backend.FlushAsync());
        Assert.That(Flushes(disk), Is.EqualTo(2), "nothing was written in between, but nothing is durable either");
        disk.Fail(RequestKind.Flush, null);
        await backend.FlushAsync();
        await backend.FlushAsync();
        Assert.That(Flushes(disk), Is.EqualTo(3), "until one succeeds");
    });

    [Test]
    public void One_flush_of_a_node_is_under_way_and_others_queue() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync();
        disk.Hold(RequestKind.Flush);
        await backend.WriteAsync(0, new byte[512]);
        Task first = backend.FlushAsync().AsTask();
        await backend.WriteAsync(0, new byte[512]);
        Task second = backend.FlushAsync().AsTask();
        Task third = backend.FlushAsync().AsTask();
        await SettleAsync();
        Assert.That(disk.Pending, Has.Count.EqualTo(1), "one");
        disk.SucceedAll();
        await first;
        await SettleAsync();
        Assert.That((second.IsCompleted, disk.Pending.Count), Is.EqualTo((false, 1)), "the write came after the first had begun: there is a second");
        disk.SucceedAll();
        await Task.WhenAll(second, third);
        Assert.That(Flushes(disk), Is.EqualTo(2), "which began after the third had come, and did its work");
    });

    [Test]
    public void A_flush_that_waited_does_not_answer_for_writes_that_came_later() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync();
        disk.Hold(RequestKind.Flush);
        await backend.WriteAsync(0, new byte[512]);
        Task first = backend.FlushAsync().AsTask();
        Task second = backend.FlushAsync().AsTask();
        await backend.WriteAsync(0, new byte[512]);
        disk.SucceedAll();
        await first;
        await SettleAsync();
        disk.SucceedAll();
        await second;
        int before = Flushes(disk);
        Task third = backend.FlushAsync().AsTask();
        await SettleAsync();
        Assert.That((before, Flushes(disk)), Is.EqualTo((1, 2)).Or.EqualTo((2, 2)), "the later write has been flushed by now, or is");
        disk.SucceedAll();
        await third;
    });

    [Test]
    public void Who_waited_for_a_flush_that_fails_makes_its_own() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync();
        disk.Hold(RequestKind.Flush);
        await backend.WriteAsync(0, new byte[512]);
        Task first = backend.FlushAsync().AsTask();
        Task second = backend.FlushAsync().AsTask();
        await SettleAsync();
        disk.Pending.Single().FailWith(BlockErrorKind.InputOutput);
        await Failure.OfAsync(() => first);
        await SettleAsync();
        disk.SucceedAll();
        await second;
        Assert.That(Flushes(disk), Is.EqualTo(2), "one for each");
    });

    [Test]
    public void A_format_hears_every_flush_and_its_disk_those_with_something_to_do() => Fixture.Run(async () =>
    {
        // blk -> cow (its table is lazy) -> disk
        CowImage.Format(Fixture.Memory.Storage("disk"), new CowImageOptions(64 * 1024));
        BlockBackend backend = await Fixture.OpenAsync("driver=cow,lazy-table=on,file.driver=memory,file.filename=disk");
        List<MemoryRequest> log = Fixture.Memory.Storage("disk").Log;
        await backend.WriteAsync(0, new byte[4096]);
        await backend.FlushAsync();
        int afterFirst = log.Count;
        Assert.That(log[^1].Kind, Is.EqualTo(RequestKind.Flush), "the table, then the disk");
        await backend.FlushAsync();
        Assert.That(log, Has.Count.EqualTo(afterFirst), "it had nothing left");
        await backend.WriteAsync(8192, new byte[4096]);
        await backend.FlushAsync();
        Assert.That(log.Skip(afterFirst).Select(r => r.Kind), Does.Contain(RequestKind.Write).And.Contain(RequestKind.Flush), "and again");
    });

    [Test]
    public void Every_child_that_may_be_written_through_is_flushed_and_the_first_error_wins() => Fixture.Run(async () =>
    {
        // blk -> pair -> left, right; and spare, which is only read
        foreach (string name in new[] { "left", "right", "spare" })
        {
            await Fixture.AddAsync($"driver=scripted,node-name={name}");
        }

        BlockBackend backend = await Fixture.OpenAsync("driver=pair,first=left,second=right,read=spare");
        ScriptedNode left = Fixture.Scripted.Node("left");
        ScriptedNode right = Fixture.Scripted.Node("right");
        left.Hold();
        right.Hold();
        await backend.WriteAsync(0, new byte[512]);
        left.Fail(RequestKind.Flush, BlockErrorKind.NoSpace);
        right.Fail(RequestKind.Flush, BlockErrorKind.InputOutput);
        Assert.That((await Failure.OfRequestAsync(() => backend.FlushAsync())).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "the first child's error");
        Assert.That((Flushes(left), Flushes(right), Fixture.Scripted.Node("spare").ArrivedCount), Is.EqualTo((1, 1, 0)), "the second was flushed all the same");
        left.Fail(RequestKind.Flush, null);
        right.Fail(RequestKind.Flush, null);
        await backend.FlushAsync();
        Assert.That((Flushes(left), Flushes(right)), Is.EqualTo((2, 2)), "both again");
    });

    [Test]
    public void Without_flushes_nothing_is_taken_for_durable() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=scripted,node-name=disk,cache.no-flush=on");
        ScriptedNode disk = Fixture.Scripted.Node("disk");
        disk.Hold();
        BlockBackend backend = await Fixture.Graph.AttachBackendAsync(node);
        await backend.WriteAsync(0, new byte[512]);
        await backend.FlushAsync();
        Assert.That(Flushes(disk), Is.Zero, "no flush");
        await Fixture.Graph.ApplyAsync(GraphEdit.Reopen(node, GraphFixture.Options("cache.no-flush=off")));
        await backend.FlushAsync();
        Assert.That(Flushes(disk), Is.EqualTo(1), "what was written before becomes durable once there are flushes");
    });

    [Test]
    public void A_read_only_node_is_not_flushed() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=scripted,node-name=disk");
        ScriptedNode disk = Fixture.Scripted.Node("disk");
        disk.Hold();
        BlockBackend writer = await Fixture.Graph.AttachBackendAsync(node);
        await writer.WriteAsync(0, new byte[512]);
        await writer.FlushAsync();
        await writer.WriteAsync(0, new byte[512]);
        await writer.DisposeAsync();
        int flushes = Flushes(disk);
        await Fixture.Graph.ApplyAsync(GraphEdit.Reopen(node, GraphFixture.Options("read-only=on")));
        BlockBackend reader = await Fixture.Graph.AttachBackendAsync(node, new BackendOptions { ReadOnly = true });
        await reader.FlushAsync();
        Assert.That((flushes, Flushes(disk)), Is.EqualTo((2, 2)), "what was written was flushed while it could be");
    });

    [Test]
    public void Rules_about_flushes_concern_those_with_something_to_do() => Fixture.Run(async () =>
    {
        // As qemu-io 7.2 does: a flush without a write before never comes to the rule.
        BlockBackend backend = await Fixture.OpenAsync(
            "driver=blkdebug,inject-error.0.event=none,inject-error.0.iotype=flush,inject-error.0.errno=5,inject-error.0.once=on,image.driver=memory,image.filename=disk");
        await backend.FlushAsync();
        await backend.WriteAsync(0, new byte[512]);
        Assert.That((await Failure.OfRequestAsync(() => backend.FlushAsync())).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "the rule");
        Assert.That(Fixture.Memory.Storage("disk").Log.Count(r => r.Kind == RequestKind.Flush), Is.Zero, "a layer that fails keeps its child from being flushed");
    });

    [TestCase("flush_to_os", true)]
    [TestCase("flush_to_disk", false)]
    public void A_layer_tells_of_its_flushes(string debugEvent, bool isToldAlways) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync(
            $"driver=raw,file.driver=blkdebug,file.inject-error.0.event={debugEvent},file.inject-error.0.iotype=read,file.inject-error.0.once=on,file.image.driver=memory,file.image.filename=disk");
        await backend.FlushAsync();
        Assert.That(await FailsAsync(backend), Is.EqualTo(isToldAlways), "nothing was written");
        if (!isToldAlways)
        {
            await backend.WriteAsync(0, new byte[512]);
            await backend.FlushAsync();
            Assert.That(await FailsAsync(backend), Is.True, "something was");
        }
    });

    [Test]
    public void Flushes_of_several_contexts_take_turns_and_lose_nothing()
    {
        // Two submitters of one shared node, and a power cut after every flush: what was written before it is there.
        for (int seed = 0; seed < 40; seed++)
        {
            int run = seed;
            using GraphFixture fixture = new(new SimulationOptions { Seed = run });
            fixture.Run(() => RunSharedAsync(fixture, run));
        }
    }

    private static async Task RunSharedAsync(GraphFixture fixture, int seed)
    {
        VirtualTimeAioContext other = fixture.World.CreateContext("other");
        FaultyDisk disk = fixture.Faulty.Disk("disk", 64 * 512);
        disk.DelayNsMax = 2000;
        await using BlockBackend backend = await fixture.OpenAsync("driver=faulty,filename=disk");
        await backend.AddSubmitterAsync(other);
        async Task WorkAsync(int half)
        {
            for (int i = 0; i < 20; i++)
            {
                byte[] data = new byte[512];
                data.AsSpan().Fill((byte)(i + 1));
                int offset = ((half * 32) + (i % 32)) * 512;
                await backend.WriteAsync(offset, data);
                await backend.FlushAsync();
                byte[] durable = disk.BytesAfterPowerLoss();
                Assert.That(durable[offset], Is.EqualTo((byte)(i + 1)), $"seed {seed}: write {i} of context {half} is durable after its flush");
            }
        }

        await Task.WhenAll(WorkAsync(0), other.RunAsync(() => WorkAsync(1)));
    }

    private static ValueTask IssueAsync(BlockBackend backend, RequestKind kind) => kind switch
    {
        RequestKind.Write => backend.WriteAsync(0, new byte[512]),
        RequestKind.WriteZeroes => backend.WriteZeroesAsync(0, 512),
        _ => backend.DiscardAsync(0, 512),
    };

    private static async Task<bool> FailsAsync(BlockBackend backend)
    {
        try
        {
            await backend.ReadAsync(0, new byte[512]);
            return false;
        }
        catch (BlockException)
        {
            return true;
        }
    }

    private static int Flushes(ScriptedNode node) => node.FlushCount;

    // Nothing waits for the test but what it asks for.
    private async Task<(BlockBackend Backend, ScriptedNode Disk)> OpenAsync()
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=scripted,node-name=disk,discard=unmap");
        ScriptedNode disk = Fixture.Scripted.Node("disk");
        disk.Hold();
        return (backend, disk);
    }

    private async Task SettleAsync()
    {
        for (int i = 0; i < 20; i++)
        {
            await Fixture.Context.YieldAsync();
        }
    }
}
