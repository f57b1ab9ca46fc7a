using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Tests.Quorum;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Scenarios;

/// <summary>Scenario 15: children that come and go. As QEMU 7.2 was observed to have them.</summary>
[TestFixture]
[Category("Scenario")]
public sealed class QuorumScenarioTests : QuorumFixture
{
    [Test]
    public void S15_A_quorum_keeps_as_many_children_as_must_agree() => Fixture.Run(async () =>
    {
        //      q (two must agree)
        //     /  \
        //    a    b
        await using BlockBackend quorum = await OpenAsync("ab", 2);
        foreach (string child in new[] { "children.0", "children.1" })
        {
            await AssertRefusedAsync(quorum.Root!, "The number of children cannot be lower than the vote threshold 2", GraphEdit.RemoveChild(quorum.Root!, child));
        }

        await AssertRefusedAsync(quorum.Root!, "Node 'q' does not have child 'children.2'", GraphEdit.RemoveChild(quorum.Root!, "children.2"));
    });

    [Test]
    public void S15_A_child_that_was_added_can_be_removed_again() => Fixture.Run(async () =>
    {
        //      q                q                q
        //     /  \      =>    / | \     =>      /  \
        //    a    b          a  b  c           a    b        c, which has stayed
        await using BlockBackend quorum = await OpenAsync("ab", 2);
        BlockNode c = await AddNodeAsync("c");
        for (int round = 0; round < 2; round++)
        {
            await Graph.ApplyAsync(GraphEdit.AddChild(quorum.Root!, c));
            Assert.That(Children(quorum.Root!), Is.EqualTo("children.0=a children.1=b children.2=c"), $"{round}: added");
            Assert.That(c.Parents.Single().Permissions, Is.EqualTo(quorum.Root!.FindChild("children.0")!.Permissions), $"{round}: with the permissions of the others");
            await quorum.WriteAsync(0, Filled((byte)(10 + round)));
            Assert.That("abc".Select(name => Storage(name).Bytes[0]), Is.All.EqualTo(10 + round), $"{round}: and is written");
            await Graph.ApplyAsync(GraphEdit.RemoveChild(quorum.Root!, "children.2"));
            Assert.That(Children(quorum.Root!), Is.EqualTo("children.0=a children.1=b"), $"{round}: removed");
            Assert.That((c.Parents.Count, c.ReferenceCount), Is.EqualTo((0, 1)), $"{round}: nobody's but the monitor's");
            await quorum.WriteAsync(0, Filled((byte)(20 + round)));
            Assert.That(Storage("c").Bytes[0], Is.EqualTo(10 + round), $"{round}: and is left alone");
        }

        await Graph.RemoveNodeAsync("c");
        Assert.That(Storage("c").OpenCount, Is.Zero, "it can be deleted");
    });

    [Test]
    public void S15_A_node_that_has_a_parent_is_no_new_child() => Fixture.Run(async () =>
    {
        //      q          over      blk
        //     /  \         |         |
        //    a    b        c         d
        await using BlockBackend quorum = await OpenAsync("ab", 2);
        BlockNode c = await AddNodeAsync("c");
        BlockNode d = await AddNodeAsync("d");
        await Fixture.AddAsync("driver=pass-through,node-name=over,file=c");
        BlockBackend blk = await Graph.AttachBackendAsync(d, new BackendOptions { ReadOnly = true });
        await AssertRefusedAsync(quorum.Root!, "The node a already has a parent", GraphEdit.AddChild(quorum.Root!, Graph.FindNode("a")!));
        await AssertRefusedAsync(quorum.Root!, "The node c already has a parent", GraphEdit.AddChild(quorum.Root!, c));
        await AssertRefusedAsync(quorum.Root!, "The node d already has a parent", GraphEdit.AddChild(quorum.Root!, d));
        await AssertRefusedAsync(Graph.FindNode("over")!, "The node over does not support adding a child", GraphEdit.AddChild(Graph.FindNode("over")!, c));
        await AssertRefusedAsync(Graph.FindNode("over")!, "The node over does not support removing a child", GraphEdit.RemoveChild(Graph.FindNode("over")!, "file"));
        await blk.DisposeAsync();
        await Graph.ApplyAsync(GraphEdit.AddChild(quorum.Root!, d));
        Assert.That(Children(quorum.Root!), Is.EqualTo("children.0=a children.1=b children.2=d"), "without it, it is");
    });

    private static string Children(BlockNode node) => string.Join(' ', node.Children.Select(c => $"{c.Name}={c.Node.Name}"));

    private async Task AssertRefusedAsync(BlockNode parent, string message, GraphEdit edit)
    {
        string before = Describe(parent);
        BlockException refusal = await Failure.OfAsync(() => Graph.ApplyAsync(edit));
        Assert.That(refusal.Message, Is.EqualTo(message), "why");
        Assert.That(Describe(parent), Is.EqualTo(before), "nothing has changed");
    }

    // The whole graph, and who holds how much of it.
    private string Describe(BlockNode parent) => $"{Fixture.Picture()} {string.Join(' ', Graph.Nodes.Select(n => $"{n.Name}:{n.ReferenceCount}"))} {Children(parent)}";

    private Task<BlockNode> AddNodeAsync(string name)
    {
        Storage(name);
        return Fixture.AddAsync($"driver=memory,filename={name},node-name={name}");
    }
}
