using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>A change takes a node away while another has its driver at work.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class CrossingChangesTests : GraphTests
{
    private readonly BuggyDriver _driver = new();
    private readonly List<Task> _others = [];

    protected override GraphFixture CreateFixture() => new(drivers: [_driver]);

    // a -> b -> c -> disk    =>    a -> c -> disk, while a, b and c are being reopened
    [Test]
    public void What_was_prepared_for_a_reopen_is_taken_back_before_the_node_closes() => Fixture.Run(async () =>
    {
        BlockNode a = await AddChainAsync();
        _driver.PrepareNs = 1_000_000;
        Begin("reopened buggy", 2, GraphEdit.DropFilter(Node("b")));
        await Fixture.Graph.ApplyAsync(GraphEdit.Reopen(a, GraphFixture.Options("detect-zeroes=on")));
        await _others.Single();
        Assert.That(_driver.Calls.Where(c => c is "prepare b" or "give up b" or "reopen b" or "close b"), Is.EqualTo(new[] { "prepare b", "give up b", "close b" }), "the driver of the node that went");
        Assert.That(_driver.Calls.Where(c => c is "prepare a" or "give up a" or "reopen a"), Is.EqualTo(new[] { "prepare a", "reopen a" }), "the driver of the one that stayed");
        Assert.That(a.Settings.DetectZeroes, Is.EqualTo(DetectZeroesMode.On), "which has its options");
    });

    // a -> b -> c -> disk    =>    a -> c -> disk, while all are being made inactive, and active again
    [TestCase("deactivate", "deactivate c")]
    [TestCase("activate", "activate a")]
    public void A_node_that_is_taken_away_is_not_closed_while_its_driver_hands_over(string hook, string last) => Fixture.Run(async () =>
    {
        BlockNode a = await AddChainAsync();
        if (hook == "activate")
        {
            await Fixture.Graph.ApplyAsync(GraphEdit.Deactivate(a));
            _driver.Calls.Clear();
        }

        Begin($"{hook} buggy", 2, GraphEdit.DropFilter(Node("b")));
        await Fixture.Graph.ApplyAsync(hook == "activate" ? GraphEdit.Activate(a) : GraphEdit.Deactivate(a));
        await _others.Single();
        Assert.That(_driver.Calls, Does.Contain(last), "the others");
        int close = _driver.Calls.LastIndexOf("close b");
        Assert.That(close, Is.GreaterThanOrEqualTo(0), "closed in the end");
        Assert.That(_driver.Calls.Skip(close), Has.None.EqualTo($"{hook} b"), "and not spoken to afterwards");
    });

    // a -> disk is being reopened and disk2's users are to go to disk3, when disk2 gets another user, whose read takes long; meanwhile z -> disk4 is reopened
    [Test]
    public void A_change_that_waits_for_more_to_be_quiet_keeps_no_other_from_reopening() => Fixture.Run(async () =>
    {
        foreach (string name in new[] { "a", "z" })
        {
            await Fixture.AddAsync($"driver=buggy,node-name={name},file.driver=memory,file.filename={name}-disk");
        }

        BlockNode from = await Fixture.AddAsync("driver=scripted,node-name=from");
        BlockNode to = await Fixture.AddAsync("driver=memory,filename=to,node-name=to");
        _driver.PrepareNs = 1_000_000;
        Task change = Fixture.Graph.ApplyAsync(GraphEdit.Reopen(Node("a"), GraphFixture.Options("detect-zeroes=on")), GraphEdit.Replace(from, to));
        await Fixture.Context.DelayAsync(_driver.PrepareNs / 2);
        BlockBackend late = await Fixture.Graph.AttachBackendAsync(from, new BackendOptions { ReadOnly = true });
        Task read = late.ReadAsync(0, new byte[1]).AsTask();
        await Fixture.Context.DelayAsync(_driver.PrepareNs);
        await Fixture.Graph.ApplyAsync(GraphEdit.Reopen(Node("z"), GraphFixture.Options("detect-zeroes=on")));
        Assert.That((change.IsCompleted, read.IsCompleted), Is.EqualTo((false, false)), "the first still waits for the read");
        Fixture.Scripted.Pending.Single().Succeed();
        await Task.WhenAll(change, read);
        Assert.That(_driver.Calls.Where(c => c is "prepare a" or "give up a" or "reopen a"), Is.EqualTo(new[] { "prepare a", "give up a", "prepare a", "reopen a" }), "it stood back and came again");
        Assert.That((Node("a").Settings.DetectZeroes, Node("z").Settings.DetectZeroes, late.Root!.Name), Is.EqualTo((DetectZeroesMode.On, DetectZeroesMode.On, "to")), "all of it");
    });

    private BlockNode Node(string name) => Fixture.Graph.FindNode(name)!;

    // Another change begins when the one under test comes to a step for the n-th time.
    private void Begin(string wanted, int count, GraphEdit edit) => Fixture.StepHook = step =>
    {
        if (step == wanted && --count == 0)
        {
            _others.Add(Fixture.Graph.ApplyAsync(edit));
        }
    };

    private Task<BlockNode> AddChainAsync() => Fixture.AddAsync(
        "driver=buggy,node-name=a,file.driver=buggy,file.node-name=b,file.file.driver=buggy,file.file.node-name=c,file.file.file.driver=memory,file.file.file.filename=disk,file.file.file.node-name=disk");
}
