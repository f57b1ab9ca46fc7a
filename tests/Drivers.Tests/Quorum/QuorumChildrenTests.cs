using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Quorum;

/// <summary>Children that come and go while the quorum is in use: names, refusals, permissions. As QEMU 7.2 was observed to have them.</summary>
[TestFixture]
public sealed class QuorumChildrenTests : QuorumFixture
{
    private BlockBackend _backend = null!;

    private BlockNode Node => _backend.Root!;

    [Test]
    public void New_children_get_the_next_name_and_none_is_renamed() => Fixture.Run(async () =>
    {
        await OpenThreeAsync();
        await AddAsync("d");
        Assert.That(Names, Is.EqualTo("0:a 1:b 2:c 3:d"), "one more");
        await RemoveAsync("children.0");
        await RemoveAsync("children.1");
        Assert.That(Names, Is.EqualTo("2:c 3:d"), "two less");
        await AddAsync("e");
        Assert.That(Names, Is.EqualTo("2:c 3:d 4:e"), "above every index that was used");
        await RemoveAsync("children.4");
        await AddAsync("f");
        Assert.That(Names, Is.EqualTo("2:c 3:d 4:f"), "the last index is used again");
        await _backend.WriteAsync(0, Filled(9));
        Assert.That("cdf".Select(name => Storage(name).Bytes[0]), Is.All.EqualTo(9), "those that are there");
        Assert.That("abe".Select(name => Storage(name).Bytes[0]), Is.All.Zero, "those that are gone");
        Assert.That(Node.Children.Select(c => c.Permissions), Is.All.EqualTo(Node.Children[0].Permissions), "all are needed alike");
        Assert.That(Storage("a").OpenCount, Is.Zero, "an inline child is closed when it goes");
    });

    [Test]
    public void Several_may_come_and_go_in_one_change() => Fixture.Run(async () =>
    {
        await OpenThreeAsync();
        BlockNode d = await AddNodeAsync("d");
        BlockNode e = await AddNodeAsync("e");
        await Graph.ApplyAsync(GraphEdit.RemoveChild(Node, "children.2"), GraphEdit.AddChild(Node, d), GraphEdit.AddChild(Node, e), GraphEdit.RemoveChild(Node, "children.0"));
        Assert.That(Names, Is.EqualTo("1:b 3:d 4:e"), "the names");
        await AddAsync("f");
        Assert.That(Names, Is.EqualTo("1:b 3:d 4:e 5:f"), "and the next one");
        await _backend.ReadAsync(0, new byte[512]);
    });

    [Test]
    public void A_child_below_the_threshold_stays() => Fixture.Run(async () =>
    {
        await OpenThreeAsync();
        await RemoveAsync("children.0");
        BlockException refusal = await Failure.OfAsync(() => RemoveAsync("children.2"));
        Assert.That(refusal.Message, Is.EqualTo("The number of children cannot be lower than the vote threshold 2"), "why");
        refusal = await Failure.OfAsync(() => RemoveAsync("children.0"));
        Assert.That(refusal.Message, Is.EqualTo("Node 'q' does not have child 'children.0'"), "gone already");
        Assert.That(Names, Is.EqualTo("1:b 2:c"), "as they were");
    });

    [Test]
    public void A_node_in_use_and_one_of_another_length_are_no_new_children() => Fixture.Run(async () =>
    {
        await OpenThreeAsync();
        BlockException refusal = await Failure.OfAsync(() => Graph.ApplyAsync(GraphEdit.AddChild(Node, Node.Children[0].Node)));
        Assert.That(refusal.Message, Is.EqualTo("The node a already has a parent"), "in use");
        Fixture.Memory.Storage("s", 1024);
        BlockNode shorter = await Fixture.AddAsync("driver=memory,filename=s,node-name=s");
        refusal = await Failure.OfAsync(() => Graph.ApplyAsync(GraphEdit.AddChild(Node, shorter)));
        Assert.That(refusal.Message, Is.EqualTo("Node 's' has 1024 bytes and node 'q' 65536: the children of a quorum have the same length"), "shorter");
        Storage("d");
        BlockNode readOnly = await Fixture.AddAsync($"driver=memory,filename=d,node-name=d,read-only=on");
        refusal = await Failure.OfAsync(() => Graph.ApplyAsync(GraphEdit.AddChild(Node, readOnly)));
        Assert.That(refusal.Message, Is.EqualTo("Block node is read-only"), "the quorum is written");
        Assert.That(Names, Is.EqualTo("0:a 1:b 2:c"), "as they were");
        await AddAsync("e");
        Assert.That(Names, Is.EqualTo("0:a 1:b 2:c 3:e"), "a refusal takes no name");
    });

    [Test]
    public void A_quorum_that_verifies_gets_no_more_children() => Fixture.Run(async () =>
    {
        _backend = await OpenAsync("ab", 2, "blkverify=on");
        BlockNode d = await AddNodeAsync("d");
        BlockException refusal = await Failure.OfAsync(() => Graph.ApplyAsync(GraphEdit.AddChild(Node, d)));
        Assert.That(refusal.Message, Is.EqualTo("Cannot add a child to a quorum in blkverify mode"), "why");
        refusal = await Failure.OfAsync(() => RemoveAsync("children.0"));
        Assert.That(refusal.Message, Is.EqualTo("The number of children cannot be lower than the vote threshold 2"), "nor fewer");
    });

    [Test]
    public void A_request_in_flight_ends_before_a_child_goes() => Fixture.Run(async () =>
    {
        _backend = await Fixture.OpenAsync("driver=quorum,node-name=q,vote-threshold=1,children.0.driver=scripted,children.1.driver=scripted");
        Task write = _backend.WriteAsync(0, new byte[512]).AsTask();
        Task removal = RemoveAsync("children.1");
        for (int i = 0; i < 20; i++)
        {
            await Fixture.Context.YieldAsync();
        }

        Assert.That(removal.IsCompleted, Is.False, "it waits for the write");
        Assert.That(Node.Children, Has.Count.EqualTo(2), "both are there");
        Fixture.Scripted.Pending[0].Succeed();
        Fixture.Scripted.Pending[0].Succeed();
        await write;
        await removal;
        Assert.That(Node.Children, Has.Count.EqualTo(1), "gone");
    });

    // A new child holds old bytes: it is outvoted, and mended where that is wanted.
    [TestCase("off", 1)]
    [TestCase("on", 9)]
    public void A_new_child_is_outvoted_until_it_holds_what_the_others_do(string rewrites, byte held) => Fixture.Run(async () =>
    {
        _backend = await OpenAsync("abc", 2, $"rewrite-corrupted={rewrites}");
        await _backend.WriteAsync(0, Filled(9));
        Storage("d").Bytes.AsSpan().Fill(1);
        await AddAsync("d");
        byte[] read = new byte[512];
        await _backend.ReadAsync(0, read);
        Assert.That(read, Is.All.EqualTo(9), "the others win");
        Assert.That(Events, Is.EqualTo(new[] { "bad d Read 0+1" }), "what is told");
        Assert.That(Storage("d").Bytes[0], Is.EqualTo(held), "what it holds");
    });

    private string Names => string.Join(' ', Node.Children.Select(c => $"{c.Name["children.".Length..]}:{c.Node.Name}"));

    private async Task OpenThreeAsync() => _backend = await OpenAsync("abc", 2);

    private Task<BlockNode> AddNodeAsync(string name)
    {
        Storage(name);
        return Fixture.AddAsync($"driver=memory,filename={name},node-name={name}");
    }

    private async Task AddAsync(string name) => await Graph.ApplyAsync(GraphEdit.AddChild(Node, await AddNodeAsync(name)));

    private Task RemoveAsync(string child) => Graph.ApplyAsync(GraphEdit.RemoveChild(Node, child));
}
