using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>What a job may be called, and for how long it keeps the name.</summary>
[TestFixture]
public sealed class JobIdTests : JobTests
{
    // job -> n
    [TestCase("0id")]
    [TestCase("")]
    [TestCase("   ")]
    [TestCase("_id")]
    [TestCase("-id")]
    [TestCase(".id")]
    [TestCase("#id")]
    [TestCase("a/b")]
    [Category("Scenario")]
    public void S64_Malformed_ids_are_refused_and_leave_nothing(string id) => Fixture.Run(async () =>
    {
        BlockNode node = await AddNodeAsync("n");
        Assert.That(await RefusalAsync(() => ScriptedJob.NewAsync(Fixture.Graph, new JobOptions { Id = id }, ScriptedJob.Reads(node))), Is.EqualTo($"Invalid job ID '{id}'"), "the text");
        Assert.That(Told, Is.Empty, "nobody heard of it");
        AssertNothingLeft();
    });

    // job -> n
    [Test]
    [Category("Scenario")]
    public void S64_An_id_is_free_again_after_dismissal_and_not_before() => Fixture.Run(async () =>
    {
        ScriptedJob first = await BeginJobAsync("id", new JobOptions { AutoDismiss = false });
        async Task AssertTakenAsync(string when)
        {
            BlockException error = await Failure.OfAsync(() => ScriptedJob.NewAsync(Fixture.Graph, new JobOptions { Id = "id" }));
            Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.AlreadyExists, "Job ID 'id' already in use")), when);
        }

        await AssertTakenAsync("while it runs");
        first.Finish();
        await first.WaitAsync();
        Assert.That(first.State, Is.EqualTo(JobState.Concluded), "over");
        await AssertTakenAsync("while it waits to be dismissed");
        await first.DismissAsync();
        Assert.That(Fixture.Graph.FindJob("id"), Is.Null, "forgotten");
        ScriptedJob second = await ScriptedJob.NewAsync(Fixture.Graph, new JobOptions { Id = "id" });
        Assert.That(Fixture.Graph.FindJob("id"), Is.SameAs(second), "the name has a new owner");
        await second.DisposeAsync();
        AssertNothingLeft(first, second);
    });

    [Test]
    public void An_id_has_no_longest_length_and_may_be_a_nodes_name() => Fixture.Run(async () =>
    {
        string name = new('a', 40);
        ScriptedJob longJob = await ScriptedJob.NewAsync(Fixture.Graph, new JobOptions { Id = name });
        BlockNode node = await AddNodeAsync("n");
        ScriptedJob job = await ScriptedJob.NewAsync(Fixture.Graph, new JobOptions { Id = "n" }, ScriptedJob.Reads(node));
        Assert.That(Fixture.Graph.Jobs, Is.EqualTo(new[] { longJob, job }), "both are there");
        Assert.That(Fixture.Graph.LookUp("n"), Is.SameAs(node), "the name alone still means the node");
        Assert.That(await RefusalAsync(() => Fixture.AddAsync($"driver=memory,filename=x,node-name={name}")), Is.EqualTo("Node name too long"), "a job's id takes no node's name away");
        await longJob.DisposeAsync();
        await job.DisposeAsync();
    });

    // 'disk' -> n <- job
    [Test]
    public void Without_an_id_it_is_called_as_the_backend_over_its_node() => Fixture.Run(async () =>
    {
        BlockNode node = await AddNodeAsync("n");
        Assert.That(await RefusalAsync(() => ScriptedJob.NewAsync(Fixture.Graph, new JobOptions(), ScriptedJob.Reads(node))), Is.EqualTo("Invalid job ID ''"), "a node without a backend has no name to give");
        await Fixture.Graph.AttachBackendAsync(node, new BackendOptions { Name = "disk", ReadOnly = true });
        ScriptedJob job = await ScriptedJob.NewAsync(Fixture.Graph, new JobOptions(), ScriptedJob.Reads(node));
        Assert.That((job.Id, job.Description), Is.EqualTo(("disk", "scripted job 'disk'")), "its name");
        Assert.That(await RefusalAsync(() => ScriptedJob.NewAsync(Fixture.Graph, new JobOptions())), Is.EqualTo("An explicit job ID is required"), "one without a node needs one");
        await job.DisposeAsync();
    });
}
