using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>Scenarios 13, 49 and 50: jobs in a graph that changes.</summary>
[TestFixture]
public sealed class JobScenarioTests : ScenarioTests
{
    private const int Cluster = 4096;

    private static readonly JobOptions s_options = new() { Id = "j" };

    [Test]
    public void S13_A_jobs_edge_stays_at_the_node_over_which_another_is_put([Values] bool isOverlay) => Fixture.Run(async () =>
    {
        //  blk   job              blk
        //    \   /                 |
        //      n         =>       top   job
        //                           \   /
        //                             n
        BlockNode n = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        BlockBackend blk = await BackendAsync(n);
        ScriptedJob job = await ScriptedJob.BeginAsync(World, s_options, ScriptedJob.Reads(n));
        if (isOverlay)
        {
            // As an overlay's own command would do it; a user's is kept off by the job.
            await AssertRefusedAsync("Node 'n' is busy: block device is in use by block job: scripted", GraphEdit.Append(GraphFixture.Options("driver=any-role,node-name=top,file.driver=memory,file.filename=top"), n));
            BlockNode overlay = await Fixture.AddAsync("driver=any-role,node-name=top,file.driver=memory,file.filename=top");
            await ApplyAsync(GraphEdit.Attach(overlay, n, "backing", ChildRole.Cow), GraphEdit.Replace(n, overlay));
        }
        else
        {
            await ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=pass-through,node-name=top"), n));
        }

        BlockChild link = Node("top").FindChild(isOverlay ? "backing" : "file")!;
        Assert.That(blk.Root, Is.SameAs(Node("top")), "the backend uses the new node");
        Assert.That(link.Node, Is.SameAs(n), "which uses the old one");
        Assert.That((job.Edges.Single().Name, job.Edges[0].Node), Is.EqualTo(("main node", n)), "as the job does still");
        Assert.That(Node("top").Parents, Has.Count.EqualTo(1), "only the backend uses the new one");
        BlockNode other = await Fixture.AddAsync("driver=memory,filename=other,node-name=other");
        await AssertRefusedAsync("Should not change 'main node' link to 'n'", GraphEdit.Replace(n, other, isStrict: true));
        job.Finish();
        await job.WaitAsync();
        Assert.That(n.Parents, Is.EqualTo(new[] { link }), "the job over, only the new node uses it");
    });

    [TestCase(DrainReach.Node)]
    [TestCase(DrainReach.Subtree)]
    public void S49_A_job_that_ends_with_the_drain_may_take_parents_from_the_drained_child(DrainReach reach) => Fixture.Run(async () =>
    {
        //            job                                 job is over
        //             |
        //  p0   p1   p2                       p0   p1   p2
        //    \   |   /        =>                \
        //     child (drained)                   child
        BlockNode child = await Fixture.AddAsync("driver=memory,filename=child,node-name=child");
        BlockNode[] parents = new BlockNode[3];
        for (int i = 0; i < parents.Length; i++)
        {
            parents[i] = await Fixture.AddAsync($"driver=any-role,node-name=p{i},file.driver=memory,file.filename=p{i},backing=child");
        }

        ScriptedJob job = await ScriptedJob.BeginAsync(World, s_options, ScriptedJob.Reads(parents[2]));
        job.Preparing = _ => job.ChangeGraphAsync(GraphEdit.SetBacking(parents[1], null), GraphEdit.SetBacking(parents[2], null));
        await SettleAsync();
        DrainScope outer = await DrainScope.BeginAsync(child, reach);
        DrainScope inner = await DrainScope.BeginAsync(child, reach);
        job.Finish();
        await SettleAsync();
        Assert.That((job.State, job.PauseCount), Is.EqualTo((JobState.Paused, 2)), "it would end, and may not");
        await inner.DisposeAsync();
        await SettleAsync();
        Assert.That((job.State, job.PauseCount, child.Parents.Count), Is.EqualTo((JobState.Paused, 1, 3)), "nor after the inner end");
        long beforeNs = Fixture.World.NowNs;
        await outer.DisposeAsync();
        await SettleAsync();
        Assert.That((job.State, Fixture.World.NowNs), Is.EqualTo((JobState.Null, beforeNs)), "it is over as soon as the last drain is");
        Assert.That(job.Error, Is.Null, "and has succeeded");
        Assert.That(child.Parents.Single().Parent.AsNode, Is.SameAs(parents[0]), "one parent is left");
        Assert.That(parents.Select(p => p.CowChild?.Node), Is.EqualTo(new[] { child, null, null }), "the others are without a child");
        Assert.That(World.Nodes.Select(n => n.QuiesceCount), Has.All.Zero, "nothing is drained");
        Assert.That(parents.Select(p => p.ReferenceCount).Append(child.ReferenceCount), Is.EqualTo(new[] { 1, 1, 1, 2 }), "nothing is held any more");
    });

    [TestCaseSource(nameof(Formats))]
    public void S50_A_job_that_wants_to_end_while_a_header_is_written_rests_until_the_chain_is_shorter(string format) => Fixture.Run(async () =>
    {
        //           job                             job, which takes its node along
        //            |
        //   over   beside                 over    beside
        //      \   /                        |      |
        //       middle          =>          |      |   middle
        //         |                          \     |   /
        //        base                           base
        Fixture.Memory.Storage("base", Cluster);
        await PutImageAsync(Fixture, format, "middle", Cluster);
        await PutImageAsync(Fixture, format, "over", Cluster, "memory:middle");
        await Fixture.AddAsync("driver=memory,filename=base,node-name=base");
        await Fixture.AddAsync($"driver={format},node-name=middle,read-only=on,file.driver=memory,file.filename=middle,backing=base");
        await Fixture.AddAsync($"driver={format},node-name=over,file.driver=memory,file.filename=over,file.latency-ns-max=1000000,backing=middle");
        BlockNode beside = await Fixture.AddAsync("driver=pass-through,node-name=beside,read-only=on,file=middle");
        ScriptedJob job = await ScriptedJob.BeginAsync(World, s_options, ScriptedJob.Reads(beside));
        string? seen = null;
        job.Preparing = _ =>
        {
            seen = $"over -> {Node("over").CowChild!.Node.Name}, beside -> {beside.FileChild!.Node.Name}, header {Node("over").Instance.BackingFileName}";
            return Task.CompletedTask;
        };
        job.Cleaning = async () =>
        {
            await job.ReleaseNodesAsync();
            await World.RemoveNodeAsync("beside");
        };
        await SettleAsync();
        Fixture.StepHook = name =>
        {
            if (name == "rewrite backing name")
            {
                job.Finish();
            }
        };
        Task change = ApplyAsync(GraphEdit.DropIntermediate(Node("middle"), Node("base")));
        List<JobState> states = [];
        while (!change.IsCompleted)
        {
            await Fixture.Context.DelayAsync(100_000);
            if (!change.IsCompleted)
            {
                states.Add(job.State);
            }
        }

        await change;
        Assert.That(states, Has.Count.GreaterThan(5).And.All.EqualTo(JobState.Paused), "it rests as long as the header takes");
        await job.WaitAsync();
        Assert.That(seen, Is.EqualTo("over -> base, beside -> base, header memory:base"), "what it found when it went on");
        Assert.That(World.FindNode("beside"), Is.Null, "and what it took along");
        Assert.That(Node("base").Parents.Select(p => p.Parent.AsNode!.Name), Is.EquivalentTo(new[] { "over", "middle" }), "who uses the base now");
        Assert.That(World.Nodes.Select(n => n.QuiesceCount), Has.All.Zero, "nothing is drained");
    });
}
