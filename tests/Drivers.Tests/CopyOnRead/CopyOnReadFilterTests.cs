using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.CopyOnRead;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.Drivers.Tests.CopyOnRead;

/// <summary>
/// The filter over a chain of three, with a bottom and without.
/// <code>
///   cor -> top (cow) => mid (cow, has cluster 1) => base (memory, sevens)
/// </code>
/// </summary>
[TestFixture]
public sealed class CopyOnReadFilterTests
{
    private const int Cluster = 4096;
    private const int ClusterCount = 6;
    private const string Chain =
        "file.driver=cow,file.node-name=top,file.file.driver=memory,file.file.filename=top,file.backing.driver=cow,file.backing.node-name=mid,"
        + "file.backing.file.driver=memory,file.backing.file.filename=mid,file.backing.backing.driver=memory,file.backing.backing.node-name=base,file.backing.backing.filename=base";
    private const string Filter = "driver=copy-on-read,node-name=cor," + Chain;

    private GraphFixture _fixture = null!;

    [SetUp]
    public void SetUp() => _fixture = Create(new SimulationOptions { HasExactTime = true }, usesPlans: true);

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void A_read_is_copied_into_the_child_once([Values] bool usesPlans)
    {
        using GraphFixture fixture = Create(new SimulationOptions { HasExactTime = true }, usesPlans);
        fixture.Run(async () =>
        {
            await PrepareAsync(fixture);
            await using BlockBackend backend = await fixture.OpenAsync($"driver=raw,{string.Join(',', Filter.Split(',').Select(o => "file." + o))}");
            byte[] mine = new byte[2 * Cluster];
            await backend.ReadAsync(10, mine);
            Assert.That((mine[0], mine[Cluster], mine[^1]), Is.EqualTo(((byte)7, (byte)1, (byte)7)), "base, middle, base");
            Assert.That(await AllocatedAtAsync(fixture, "top"), Is.EqualTo("xxx..."), "three clusters were touched");
            int below = fixture.Memory.Storage("base").Log.Count;
            await backend.ReadAsync(0, mine);
            Assert.That(fixture.Memory.Storage("base").Log, Has.Count.EqualTo(below), "the later read stops at the top");
            Assert.That(backend.GetCounters(RequestKind.Read).OperationCount, Is.EqualTo(2), "two reads, whoever else did what");
            Assert.That(backend.GetCounters(RequestKind.Write).OperationCount, Is.Zero, "and no write");
        });
    }

    [Test]
    public void What_lies_below_the_bottom_is_read_and_not_copied() => _fixture.Run(async () =>
    {
        await PrepareAsync(_fixture);
        await using BlockBackend backend = await _fixture.OpenAsync($"{Filter},bottom=mid");
        byte[] mine = new byte[ClusterCount * Cluster];
        await backend.ReadAsync(0, mine);
        Assert.That((mine[0], mine[Cluster], mine[2 * Cluster], mine[^1]), Is.EqualTo(((byte)7, (byte)1, (byte)7, (byte)7)), "what is there");
        Assert.That(await AllocatedAtAsync(_fixture, "top"), Is.EqualTo(".x...."), "the middle's cluster alone");
    });

    [Test]
    public void Prefetching_copies_and_reads_nothing_else([Values("", ",bottom=mid")] string bottom) => _fixture.Run(async () =>
    {
        await PrepareAsync(_fixture);
        await using BlockBackend backend = await _fixture.OpenAsync(Filter + bottom);
        await backend.ReadAsync(Cluster, new byte[Cluster]);
        int inTop = _fixture.Memory.Storage("top").Log.Count;
        int inBase = _fixture.Memory.Storage("base").Log.Count;
        byte[] mine = new byte[2 * Cluster];
        await backend.ReadAsync(Cluster, mine, RequestFlags.Prefetch);
        Assert.That(mine, Is.All.Zero, "no data is returned");
        Assert.That(_fixture.Memory.Storage("base").Log, Has.Count.EqualTo(inBase + (bottom.Length == 0 ? 1 : 0)), "below the bottom nothing is even read");
        Assert.That(_fixture.Memory.Storage("top").Log.Skip(inTop).Select(r => r.Kind), Has.None.EqualTo(RequestKind.Read), "what is in place is not read");
    });

    [Test]
    public void It_asks_to_write_what_is_there_for_a_reader_too_and_so_needs_a_writable_child() => _fixture.Run(async () =>
    {
        await PrepareAsync(_fixture);
        await using (BlockBackend reader = await _fixture.OpenAsync(Filter, new BackendOptions { ReadOnly = true }))
        {
            Assert.That(reader.Root!.FileChild!.Permissions.Required, Is.EqualTo(BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged), "the filter");
            Assert.That(reader.RootEdge!.Permissions.Required, Is.EqualTo(BlockPermissions.ConsistentRead), "its user");
            await reader.ReadAsync(0, new byte[1]);
            Assert.That(await AllocatedAtAsync(_fixture, "top"), Is.EqualTo("x....."), "copied");
            await _fixture.Graph.ApplyAsync(GraphEdit.Deactivate(reader.Root!));
            await reader.ReadAsync(5 * Cluster, new byte[1]);
            await _fixture.Graph.ApplyAsync(GraphEdit.Activate(reader.Root!));
            Assert.That(await AllocatedAtAsync(_fixture, "top"), Is.EqualTo("x....."), "not while it is somebody else's");
        }

        BlockException refusal = await Failure.OfAsync(() => _fixture.OpenAsync($"{Filter},read-only=on", new BackendOptions { ReadOnly = true }));
        Assert.That(refusal.Message, Does.StartWith("Block node is read-only").Or.StartWith("Read-only block node 'top' cannot support read-write users"), "a child that is read-only");
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "nothing is left");
    });

    [TestCase("bottom=nowhere", "Bottom node 'nowhere' not found")]
    [TestCase("bottom=filter", "Bottom node 'filter' is a filter")]
    [TestCase("bottom=apart", "Node 'apart' is not in the chain of 'cor'")]
    public void A_bottom_that_is_none_is_refused_by_name(string bottom, string message) => _fixture.Run(async () =>
    {
        await PrepareAsync(_fixture);
        await _fixture.AddAsync("driver=memory,node-name=apart,filename=apart");
        await _fixture.AddAsync("driver=pass-through,node-name=filter,file=apart");
        BlockException refusal = await Failure.OfAsync(() => _fixture.OpenAsync($"{Filter},{bottom}"));
        Assert.That(refusal.Message, Is.EqualTo(message), "why");
        Assert.That(_fixture.Graph.Nodes.Select(n => n.Name), Is.EqualTo(new[] { "apart", "filter" }), "nothing is left");
    });

    [Test]
    public void The_chain_down_to_the_bottom_is_frozen_until_the_filter_is_closed_or_dropped() => _fixture.Run(async () =>
    {
        await PrepareAsync(_fixture);
        BlockNode chain = await AddChainAsync();
        BlockBackend backend = await _fixture.OpenAsync("driver=copy-on-read,node-name=cor,file=top,bottom=mid");
        BlockNode mid = _fixture.Graph.FindNode("mid")!;
        Assert.That((await Failure.OfAsync(() => _fixture.Graph.ApplyAsync(GraphEdit.SetBacking(chain, null)))).Message, Is.EqualTo("Cannot change frozen 'backing' link from 'top' to 'mid'"), "above the bottom");
        await _fixture.Graph.ApplyAsync(GraphEdit.Freeze(mid, mid.CowChild!.Node), GraphEdit.Thaw(mid, mid.CowChild!.Node));
        await _fixture.Graph.ApplyAsync(GraphEdit.DropFilter(backend.Root!));
        Assert.That((backend.Root!.Name, chain.CowChild!.IsFrozen), Is.EqualTo(("top", false)), "dropped and thawed");
        await backend.DisposeAsync();
        backend = await _fixture.OpenAsync("driver=copy-on-read,node-name=cor,file=top,bottom=mid");
        Assert.That(chain.CowChild!.IsFrozen, "frozen again");
        await backend.DisposeAsync();
        Assert.That(chain.CowChild!.IsFrozen, Is.False, "closed and thawed");
        await _fixture.Graph.ApplyAsync(GraphEdit.SetBacking(chain, null));
    });

    [Test]
    public void Opening_that_fails_at_any_step_leaves_nothing_not_even_a_frozen_link() => _fixture.Run(async () =>
    {
        await PrepareAsync(_fixture);
        BlockNode chain = await AddChainAsync();
        GraphPictureText before = new(_fixture);
        int steps = 0;
        for (int failing = 1; failing <= steps + 1; failing++)
        {
            int step = 0;
            _fixture.StepHook = _ =>
            {
                step++;
                steps = Math.Max(steps, step);
                if (step == failing)
                {
                    throw new BlockException(BlockErrorKind.InputOutput, "on purpose");
                }
            };
            try
            {
                await using BlockBackend backend = await _fixture.OpenAsync("driver=copy-on-read,node-name=cor,file=top,bottom=mid");
                _fixture.StepHook = null;
                Assert.That(failing, Is.GreaterThan(5), "there are steps");
                break;
            }
            catch (BlockException error) when (error.Message.Contains("on purpose", StringComparison.Ordinal))
            {
                _fixture.StepHook = null;
                Assert.That(chain.CowChild!.IsFrozen, Is.False, $"step {failing}: the link");
                Assert.That(new GraphPictureText(_fixture).Text, Is.EqualTo(before.Text), $"step {failing}: the graph");
            }
        }
    });

    [Test]
    public void It_can_be_put_over_a_running_chain_and_reopened() => _fixture.Run(async () =>
    {
        await PrepareAsync(_fixture);
        await AddChainAsync();
        await using BlockBackend backend = await _fixture.Graph.AttachBackendAsync(_fixture.Graph.FindNode("top")!);
        await _fixture.Graph.ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=copy-on-read,node-name=cor,bottom=mid"), backend.Root!));
        await _fixture.Graph.ApplyAsync(GraphEdit.Reopen(backend.Root!, GraphFixture.Options("cache.no-flush=on")));
        BlockException refusal = await Failure.OfAsync(() => _fixture.Graph.ApplyAsync(GraphEdit.Reopen(backend.Root!, GraphFixture.Options("bottom=base"))));
        Assert.That(refusal.Message, Is.EqualTo("Cannot change the option 'bottom'"), "for life");
        byte[] mine = new byte[Cluster];
        await backend.ReadAsync(Cluster, mine);
        Assert.That((mine[0], await AllocatedAtAsync(_fixture, "top")), Is.EqualTo(((byte)1, ".x....")), "it works");
    });

    // Two filters over one overlay, writers beside readers: whoever comes to a cluster first, no write is lost.
    [Test]
    public void Readers_through_two_filters_lose_no_write([Range(0, 49)] int seed)
    {
        using GraphFixture fixture = Create(new SimulationOptions { Seed = seed }, usesPlans: seed % 2 == 0);
        fixture.Run(async () =>
        {
            await PrepareAsync(fixture);
            BackendOptions shared = new() { ShareWrite = true };
            await fixture.AddAsync("driver=cow,node-name=top,file.driver=memory,file.filename=top,file.latency-ns-max=20000,backing.driver=memory,backing.filename=base,backing.latency-ns-max=20000");
            await using BlockBackend first = await fixture.OpenAsync("driver=copy-on-read,file=top", shared);
            await using BlockBackend second = await fixture.OpenAsync("driver=copy-on-read,file=top", shared);
            byte[] model = Enumerable.Repeat((byte)7, ClusterCount * Cluster).ToArray();
            SeededRandom chance = fixture.World.Chance;
            async Task ReadAsync(BlockBackend backend)
            {
                for (int i = 0; i < 8; i++)
                {
                    await backend.ReadAsync(chance.Next(ClusterCount) * Cluster, new byte[Cluster]);
                    await fixture.Context.DelayAsync(chance.NextLong(20_000));
                }
            }

            async Task WriteAsync(BlockBackend backend, int place)
            {
                for (int i = 0; i < 8; i++)
                {
                    int offset = (chance.Next(ClusterCount) * Cluster) + (place * 1000);
                    byte[] bytes = Enumerable.Repeat((byte)(100 + i), 1 + chance.Next(1000)).ToArray();
                    await backend.WriteAsync(offset, bytes);
                    bytes.CopyTo(model, offset);
                    await fixture.Context.DelayAsync(chance.NextLong(10_000));
                }
            }

            await Task.WhenAll(ReadAsync(first), ReadAsync(second), WriteAsync(first, 0), WriteAsync(second, 1), WriteAsync(second, 2));
            byte[] all = new byte[model.Length];
            await first.ReadAsync(0, all);
            Assert.That(all.AsSpan().SequenceEqual(model), Is.True, $"seed {seed}: byte {all.AsSpan().CommonPrefixLength(model)}");
        });
    }

    private static GraphFixture Create(SimulationOptions options, bool usesPlans) =>
        new(options, [new CopyOnReadDriver(), new RawDriver()], new NodeGraphOptions { UsesPlans = usesPlans });

    private static async Task PrepareAsync(GraphFixture fixture)
    {
        foreach (string name in new[] { "top", "mid" })
        {
            CowImage.Format(fixture.Memory.Storage(name), new CowImageOptions(ClusterCount * Cluster) { ClusterBytes = Cluster });
        }

        fixture.Memory.Storage("base", ClusterCount * Cluster).Bytes.AsSpan().Fill(7);
        await using BlockBackend mid = await fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=mid");
        await mid.WriteAsync(Cluster, Enumerable.Repeat((byte)1, Cluster).ToArray());
    }

    private Task<BlockNode> AddChainAsync() =>
        _fixture.AddAsync(string.Join(',', Chain.Split(',').Select(o => o["file.".Length..])));

    // x for each cluster that the node has.
    private static async Task<string> AllocatedAtAsync(GraphFixture fixture, string name)
    {
        BlockNode node = fixture.Graph.FindNode(name)!;
        char[] clusters = new char[ClusterCount];
        for (int i = 0; i < ClusterCount; i++)
        {
            BlockStatus status = await node.Instance.GetStatusAsync(BlockStatusQuery.Allocation, i * Cluster, Cluster, CancellationToken.None);
            clusters[i] = (status.Flags & (BlockStatusFlags.Data | BlockStatusFlags.Zero)) != 0 ? 'x' : '.';
        }

        return new string(clusters);
    }

    /// <summary>What the graph looks like.</summary>
    private sealed class GraphPictureText(GraphFixture fixture)
    {
        public string Text { get; } = fixture.Picture().ToString()!;
    }
}
