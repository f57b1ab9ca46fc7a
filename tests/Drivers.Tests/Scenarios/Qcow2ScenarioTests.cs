using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Scenarios;

/// <summary>The scenarios that need a format with a backing file, on qcow2 as on TestKit's: reopening, jobs, copy on read, short and long backing nodes, other contexts.</summary>
[TestFixture]
[Category("Scenario")]
public sealed class Qcow2ScenarioTests
{
    private const int Cluster = 4096;

    /// <summary>An image with nothing in it.</summary>
    internal static byte[] Image(long lengthBytes, string? backingFileName = null, string? backingFormat = null)
    {
        Qcow2HeaderArea area = new Qcow2CreateOptions { LengthBytes = lengthBytes, ClusterBits = 12 }.CreateHeaderArea() with { BackingFileName = backingFileName, BackingFormat = backingFormat };
        return new Qcow2Layout(area, lengthBytes).ToArray();
    }

    // blk -> top (a cluster of its own) -> one    =>    nothing    =>    two    =>    one
    [TestCase(true)]
    [TestCase(false)]
    public void S31_The_backing_child_goes_becomes_another_and_comes_back(bool keepsOld) => Run(async fixture =>
    {
        Array.Fill(fixture.Memory.Storage("one", 4 * Cluster).Bytes, (byte)1);
        Array.Fill(fixture.Memory.Storage("two", 4 * Cluster).Bytes, (byte)2);
        fixture.Memory.Storage("top").Replace(Image(4 * Cluster));
        await AddAllAsync(fixture, "driver=memory,filename=one,node-name=one|driver=memory,filename=two,node-name=two|driver=memory,filename=top,node-name=file|driver=qcow2,node-name=top,file=file,backing=one");
        BlockNode top = fixture.Graph.FindNode("top")!;
        BlockBackend blk = await fixture.Graph.AttachBackendAsync(top, new BackendOptions { ShareWrite = true });
        await blk.WriteAsync(0, new byte[] { 9 });
        Assert.That(await ReadClustersAsync(blk), Is.EqualTo(new byte[] { 9, 1, 1, 1 }), "at first");
        foreach ((string? backing, byte shown) in new (string?, byte)[] { (null, 0), ("two", 2), ("one", 1), (null, 0) })
        {
            OptionsDictionary changes = keepsOld ? [] : GraphFixture.Options("driver=qcow2,file=file");
            changes["node-name"] = "top";
            changes["backing"] = backing is null ? OptionNull.Instance : backing;
            await fixture.Graph.ApplyAsync(keepsOld ? GraphEdit.Reopen(top, changes) : GraphEdit.Reopen(changes));
            Assert.That(top.CowChild?.Node.Name, Is.EqualTo(backing), $"{backing}: the child");
            Assert.That(await ReadClustersAsync(blk), Is.EqualTo(new byte[] { 9, shown, shown, shown }), $"{backing}: what is read");
        }

        await blk.WriteAsync(Cluster, new byte[] { 8 });
        Assert.That(await ReadClustersAsync(blk), Is.EqualTo(new byte[] { 9, 8, 0, 0 }), "what is written without one stays");
        Assert.That((await blk.CheckAsync()).IsClean, Is.True, "the image");
    });

    // over -> middle -> base, and a job that reads middle    =>    over -> base
    [Test]
    public void S50_A_job_that_wants_to_end_while_a_header_is_written_rests_until_the_chain_is_shorter() => Run(async fixture =>
    {
        fixture.Memory.Storage("base", Cluster);
        fixture.Memory.Storage("middle").Replace(Image(Cluster));
        fixture.Memory.Storage("over").Replace(Image(Cluster, "memory:middle", "qcow2"));
        await AddAllAsync(
            fixture,
            "driver=memory,filename=base,node-name=base|driver=qcow2,node-name=middle,read-only=on,file.driver=memory,file.filename=middle,backing=base"
            + "|driver=qcow2,node-name=over,file.driver=memory,file.filename=over,file.latency-ns-max=1000000,backing=middle|driver=pass-through,node-name=beside,read-only=on,file=middle");
        BlockNode over = fixture.Graph.FindNode("over")!;
        ScriptedJob job = await ScriptedJob.BeginAsync(fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(fixture.Graph.FindNode("beside")!));
        string? seen = null;
        job.Preparing = _ =>
        {
            seen = $"over -> {over.CowChild!.Node.Name}, header {over.Instance.BackingFileName}";
            return Task.CompletedTask;
        };
        fixture.StepHook = name =>
        {
            if (name == "rewrite backing name")
            {
                job.Finish();
            }
        };
        Task change = fixture.Graph.ApplyAsync(GraphEdit.DropIntermediate(fixture.Graph.FindNode("middle")!, fixture.Graph.FindNode("base")!));
        List<JobState> states = [];
        while (!change.IsCompleted)
        {
            await fixture.Context.DelayAsync(100_000);
            if (!change.IsCompleted)
            {
                states.Add(job.State);
            }
        }

        await change;
        fixture.StepHook = null;
        Assert.That(states, Has.Count.GreaterThan(5), "the header takes time");
        Assert.That(states[^5..], Is.All.EqualTo(JobState.Paused), "it rests meanwhile");
        await job.WaitAsync();
        Assert.That(seen, Is.EqualTo("over -> base, header memory:base"), "what it found when it went on");
        Assert.That(fixture.Graph.Nodes.Select(node => node.QuiesceCount), Has.All.Zero, "nothing is drained");
    });

    // blk (copies on read) -> top => base
    [Test]
    public void S71_Copy_on_read_populates_once_and_never_from_the_users_buffer([Range(0, 19)] int seed) => Run(
        async fixture =>
        {
            fixture.Memory.Storage("top").Replace(Image(8 * Cluster));
            fixture.Memory.Storage("base", 8 * Cluster).Bytes.AsSpan().Fill(7);
            await using BlockBackend blk = await fixture.OpenAsync(
                "driver=qcow2,file.driver=memory,file.filename=top,file.latency-ns-max=20000,backing.driver=memory,backing.filename=base,backing.latency-ns-max=20000", new BackendOptions { CopyOnRead = true });
            MemoryStorage below = fixture.Memory.Storage("base");
            byte[] mine = new byte[5000];
            Task read = blk.ReadAsync(1000, mine).AsTask();
            while (!read.IsCompleted)
            {
                // A guest that scribbles on its buffer while the request is under way.
                Array.Fill(mine, (byte)99);
                await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(3000));
            }

            await read;
            Assert.That(below.Log, Is.EqualTo(new[] { new MemoryRequest(RequestKind.Read, 0, 2 * Cluster, RequestFlags.None) }), "whole clusters, once");
            byte[] again = new byte[2 * Cluster];
            await blk.ReadAsync(0, again);
            Assert.That(again, Is.All.EqualTo((byte)7), "what the backing node has, not what the guest wrote");
            Assert.That(below.Log, Has.Count.EqualTo(1), "the later read hits the top");
            Assert.That((await blk.GetStatusAsync(0, 8 * Cluster)).LengthBytes, Is.EqualTo(2 * Cluster), "no cluster more than was touched");
        },
        seed);

    // blk -> top (16 KiB) => short (8 KiB) => base (16 KiB)
    [Test]
    public void S72_Status_over_a_short_backing_node_is_zero_and_allocated_at_the_short_layer() => Run(async fixture =>
    {
        fixture.Memory.Storage("top").Replace(Image(4 * Cluster));
        fixture.Memory.Storage("short").Replace(Image(2 * Cluster));
        fixture.Memory.Storage("base", 4 * Cluster).Bytes.AsSpan().Fill(7);
        await using BlockBackend blk = await fixture.OpenAsync(
            "driver=qcow2,file.driver=memory,file.filename=top,backing.driver=qcow2,backing.node-name=short,backing.file.driver=memory,backing.file.filename=short,"
            + "backing.backing.driver=memory,backing.backing.node-name=base,backing.backing.filename=base");
        ChainStatus inside = await blk.GetStatusAboveAsync(0, 4 * Cluster);
        Assert.That((inside.Node.Name, inside.Depth, inside.Status.LengthBytes), Is.EqualTo(("base", 3, 2L * Cluster)), "where the short layer is, the base shows through it");
        ChainStatus beyond = await blk.GetStatusAboveAsync(2 * Cluster, 2 * Cluster);
        Assert.That((beyond.Node.Name, beyond.Depth), Is.EqualTo(("short", 2)), "beyond its end nothing shows through");
        Assert.That((beyond.Status.IsZero, beyond.Status.IsAllocated, beyond.Status.LengthBytes), Is.EqualTo((true, true, 2L * Cluster)), "zeros, allocated at the short layer");
        byte[] read = new byte[4 * Cluster];
        await blk.ReadAsync(0, read);
        Assert.That(read[..(2 * Cluster)], Is.All.EqualTo((byte)7), "and so it reads");
        Assert.That(read[(2 * Cluster)..], Is.All.Zero, "zeros beyond");
    });

    // blk -> overlay (2 clusters and a half) -> base (8 clusters of sevens)
    [Test]
    public void S72_Growing_over_a_longer_backing_reads_zeros() => Run(async fixture =>
    {
        const int OldBytes = (2 * Cluster) + (Cluster / 2);
        fixture.Memory.Storage("base", 8 * Cluster).Bytes.AsSpan().Fill(7);
        fixture.Memory.Storage("top").Replace(Image(OldBytes));
        await using BlockBackend blk = await fixture.OpenAsync("driver=qcow2,file.driver=memory,file.filename=top,backing.driver=memory,backing.filename=base");
        await blk.TruncateAsync(6 * Cluster);
        byte[] read = new byte[6 * Cluster];
        await blk.ReadAsync(0, read);
        Assert.That(read.AsSpan(0, OldBytes).IndexOfAnyExcept((byte)7), Is.EqualTo(-1), "what was seen before is seen now");
        Assert.That(read.AsSpan(OldBytes).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "what the backing node has beyond the old end is not");
    });

    [Test]
    public void Every_call_goes_to_an_image_that_lives_on_another_context() => Run(async fixture =>
    {
        AioContext other = fixture.World.CreateContext("other");
        fixture.Memory.Storage("image").Replace(Image(4 * Cluster));
        await using BlockBackend blk = await fixture.OpenAsync("driver=qcow2,discard=unmap,file.driver=memory,file.filename=image,file.latency-ns-max=1000");
        await blk.MoveAsync(other);
        await blk.WriteAsync(5000, new byte[] { 1, 2, 3 });
        byte[] read = new byte[3];
        await blk.ReadAsync(5000, read);
        Assert.That(read, Is.EqualTo(new byte[] { 1, 2, 3 }), "read");
        await blk.WriteZeroesAsync(5001, 1);
        await blk.ReadAsync(5000, read);
        Assert.That(read, Is.EqualTo(new byte[] { 1, 0, 3 }), "zeroed");
        await blk.DiscardAsync(Cluster, Cluster);
        await blk.FlushAsync();
        Assert.That((await blk.GetStatusAsync(Cluster, Cluster)).IsZero, Is.True, "discarded");
        await blk.TruncateAsync(8 * Cluster);
        Assert.That(blk.LengthBytes, Is.EqualTo(8 * Cluster), "longer");
        await blk.CreateSnapshotAsync(new ImageSnapshot("", "s"));
        Assert.That((await blk.CheckAsync()).IsClean, Is.True, "check");
        Assert.That(fixture.Context.IsHome, Is.True, "every call came back");
    });

    private static async Task AddAllAsync(GraphFixture fixture, string nodes)
    {
        foreach (string node in nodes.Split('|'))
        {
            await fixture.AddAsync(node);
        }
    }

    private static async Task<byte[]> ReadClustersAsync(BlockBackend blk)
    {
        byte[] bytes = new byte[4 * Cluster];
        await blk.ReadAsync(0, bytes);
        return [bytes[0], bytes[Cluster], bytes[2 * Cluster], bytes[3 * Cluster]];
    }

    private static void Run(Func<GraphFixture, Task> body, int seed = 0)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, [new Qcow2Driver()]);
        fixture.Run(() => body(fixture));
    }
}
