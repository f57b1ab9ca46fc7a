using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>The nodes of a job: what it may do to them, what others may not meanwhile, and where its edges stay.</summary>
[TestFixture]
public sealed class JobNodeTests : JobTests
{
    private static readonly PermissionSet s_writer = new(BlockPermissions.Write, BlockPermissions.ConsistentRead);

    // job -> source, target
    [Test]
    public void Every_operation_is_kept_off_the_nodes_of_a_job_until_it_is_over() => Fixture.Run(async () =>
    {
        BlockNode[] nodes = [await AddNodeAsync("source"), await AddNodeAsync("target")];
        ScriptedJob job = await ScriptedJob.BeginAsync(
            Fixture.Graph, new JobOptions { Id = "j", AutoDismiss = false }, ScriptedJob.Reads(nodes[0], "source"), ScriptedJob.Reads(nodes[1], "target"));
        foreach (BlockNode node in nodes)
        {
            foreach (BlockOperation operation in Enum.GetValues<BlockOperation>())
            {
                Assert.That(
                    () => node.ThrowIfBlocked(operation),
                    Throws.TypeOf<BlockException>().With.Message.EqualTo($"Node '{node.Name}' is busy: block device is in use by block job: scripted"),
                    $"{operation}");
            }

            Assert.That(
                await RefusalAsync(() => Fixture.Graph.RemoveNodeAsync(node.Name)), Is.EqualTo($"Node '{node.Name}' is busy: block device is in use by block job: scripted"), "as users meet it");
        }

        job.Finish();
        await job.WaitAsync();
        Assert.That(job.Edges, Is.Empty, "over, though not yet dismissed: the nodes are free");
        await Fixture.Graph.RemoveNodeAsync("target");
        await job.DismissAsync();
        AssertNothingLeft(job);
    });

    // backend -> n <- job
    [Test]
    public void A_node_with_a_backend_and_a_job_is_in_use_first() => Fixture.Run(async () =>
    {
        BlockNode node = await AddNodeAsync("n");
        await Fixture.Graph.AttachBackendAsync(node, new BackendOptions { ReadOnly = true });
        ScriptedJob job = await ScriptedJob.NewAsync(Fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(node));
        Assert.That(await RefusalAsync(() => Fixture.Graph.RemoveNodeAsync("n")), Is.EqualTo("Node n is in use"), "the backend is what users see first");
        await job.DisposeAsync();
    });

    // writer -> n <- job
    [Test]
    public void A_job_whose_permissions_conflict_is_not_made_and_holds_no_other_node_either() => Fixture.Run(async () =>
    {
        BlockNode source = await AddNodeAsync("source");
        BlockNode target = await AddNodeAsync("target");
        await Fixture.Graph.AttachBackendAsync(target, new BackendOptions { Name = "w" });
        PermissionSet before = target.CumulativePermissions;
        Assert.That(
            await RefusalAsync(() => ScriptedJob.NewAsync(Fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(source), new JobNode(target, "target", s_writer))),
            Is.EqualTo("Permission conflict on node 'target': permissions 'write' are both required by scripted job 'j' (uses node 'target' as 'target' child) and unshared by block device 'w' (uses node 'target' as 'root' child)."),
            "both users are named");
        Assert.That(target.CumulativePermissions, Is.EqualTo(before), "as before");
        Assert.That(Told, Is.EqualTo(new[] { "j created", "j null" }), "seen and gone");
        AssertNothingLeft();
    });

    // job -> n, target
    [Test]
    public void A_job_asks_for_permissions_node_by_node_and_may_change_its_mind() => Fixture.Run(async () =>
    {
        BlockNode source = await AddNodeAsync("source");
        BlockNode target = await AddNodeAsync("target");
        ScriptedJob job = await ScriptedJob.NewAsync(Fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(source), new JobNode(target, "target", s_writer));
        Assert.That(
            job.Edges.Select(e => (e.Name, e.Node, e.Permissions)),
            Is.EqualTo(new[] { ("main node", source, ScriptedJob.Reads(source).Permissions), ("target", target, s_writer) }),
            "in order of asking");
        Assert.That(await RefusalAsync(() => Fixture.Graph.AttachBackendAsync(target)), Does.StartWith("Permission conflict"), "an exclusive writer");
        await job.SetPermissionsAsync(job.Edges[1], PermissionSet.Unused);
        BlockBackend user = await Fixture.Graph.AttachBackendAsync(target);
        Assert.That(await RefusalAsync(() => job.SetPermissionsAsync(job.Edges[1], s_writer)), Does.StartWith("Permission conflict"), "now another writes");
        Assert.That(((IRootParent)job).PermissionsOf(job.Edges[1]), Is.EqualTo(PermissionSet.Unused), "what it has asked for is what it was given");
        await user.DisposeAsync();
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });

    // backend -> n <- job; then backend -> filter -> n <- job
    [Test]
    public void A_job_stays_at_its_node_when_another_takes_the_nodes_place() => Fixture.Run(async () =>
    {
        BlockNode node = await AddNodeAsync("n");
        BlockBackend backend = await Fixture.Graph.AttachBackendAsync(node, new BackendOptions { ReadOnly = true });
        ScriptedJob job = await ScriptedJob.BeginAsync(Fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(node));
        await Fixture.Graph.ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=pass-through,node-name=filter,read-only=on"), node));
        Assert.That((backend.Root!.Name, job.Edges[0].Node.Name), Is.EqualTo(("filter", "n")), "the backend has moved up, the job has not");
        BlockNode other = await AddNodeAsync("other");
        Assert.That(await RefusalAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Replace(node, other, isStrict: true))), Is.EqualTo("Should not change 'main node' link to 'n'"), "where all must move, none does");
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });

    // backend -> n <- job, which reads
    [Test]
    public void A_job_sends_requests_through_its_edges() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.RoundNs = 1_000_000;
        job.ReadLengthBytes = 512;
        job.Wake();
        await Fixture.Context.DelayAsync(10_000_000);
        Assert.That(Fixture.Memory.Storage("n-j").Log.Count(r => r.Kind == RequestKind.Read), Is.EqualTo(job.Progress.OffsetBytes / 512).And.Positive, "the node was read");
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });

    [Test]
    public void Nodes_that_were_let_go_early_are_not_let_go_twice() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        BlockNode node = job.Edges[0].Node;
        job.Preparing = async _ =>
        {
            await job.ReleaseNodesAsync();
            Assert.That(() => node.ThrowIfBlocked(BlockOperation.Resize), Throws.Nothing, "free");
            await job.ReleaseNodesAsync();
        };
        job.Finish();
        await job.WaitAsync();
        AssertNothingLeft(job);
    });

    [Test]
    public void A_job_cancelled_while_it_gets_its_nodes_holds_none() => Fixture.Run(async () =>
    {
        // The node's context changes hands with it, so that the making waits for a request that flies.
        AioContext io = Fixture.World.CreateContext("io");
        BlockNode source = await AddNodeAsync("source");
        await Fixture.Graph.ApplyAsync(GraphEdit.Move(source, io));
        BlockNode target = await Fixture.AddAsync("driver=scripted,node-name=target");
        BlockBackend user = await Fixture.Graph.AttachBackendAsync(target, new BackendOptions { ReadOnly = true, AllowsContextChange = true });
        Task reading = user.ReadAsync(0, new byte[1]).AsTask();
        Task<ScriptedJob> making = ScriptedJob.NewAsync(Fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(source), ScriptedJob.Reads(target, "target"));
        await SettleAsync();
        BlockJob half = Fixture.Graph.FindJob("j")!;
        Assert.That((half.State, half.Edges.Count), Is.EqualTo((JobState.Created, 0)), "half made");
        await half.DisposeAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        await reading;
        Assert.That((await Failure.OfAsync(() => making)).Kind, Is.EqualTo(BlockErrorKind.Cancelled), "whoever made it hears of it");
        await user.DisposeAsync();
        AssertNothingLeft(half);
    });
}
