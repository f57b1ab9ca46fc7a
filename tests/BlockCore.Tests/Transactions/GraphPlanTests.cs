using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>What a plan says of a change, and that nothing is another afterwards.</summary>
[TestFixture]
public sealed class GraphPlanTests : GraphTests
{
    private static readonly PermissionSet s_writer = new(BlockPermissions.ConsistentRead | BlockPermissions.Write, BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged);

    [Test]
    public void A_replacement_redirects_edges_and_closes_what_nobody_uses_any_more() => Fixture.Run(async () =>
    {
        // backend -> top -> old, and new on its own
        await using BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,node-name=top,file.driver=memory,file.filename=a,file.node-name=old");
        BlockNode top = backend.Root!;
        BlockNode other = await Fixture.AddAsync("driver=memory,filename=b,node-name=new");
        string before = Shape();
        GraphPlan plan = await Fixture.Graph.PlanAsync(GraphEdit.Replace(top.FileChild!.Node, other));
        Assert.That(plan.IsPossible, Is.True, "nothing stands against it");
        Assert.That(
            plan.Edges,
            Is.EqualTo(new[] { new PlannedEdge(PlannedEdgeChange.Redirected, "node 'top'", "file", "old", "new", s_writer, s_writer) }),
            "one edge, with the same permissions");
        Assert.That(plan.ClosedNodes, Is.EqualTo(new[] { "old" }), "closed");
        Assert.That(plan.OpenedNodes, Is.Empty, "none is opened");
        Assert.That(plan.DrainedNodes, Is.EqualTo(new[] { "top" }), "the parent");
        Assert.That(plan.DrainedUsers, Is.Empty, "the backend is above it");
        Assert.That(Shape(), Is.EqualTo(before), "the graph is as before");
    });

    [Test]
    public void A_node_that_the_graph_keeps_is_not_closed() => Fixture.Run(async () =>
    {
        BlockNode a = await Fixture.AddAsync("driver=memory,filename=a,node-name=a");
        BlockNode b = await Fixture.AddAsync("driver=memory,filename=b,node-name=b");
        await using BlockBackend backend = await Fixture.Graph.AttachBackendAsync(a);
        GraphPlan plan = await Fixture.Graph.PlanAsync(GraphEdit.Replace(a, b));
        Assert.That(plan.ClosedNodes, Is.Empty, "the graph keeps it by name");
        Assert.That(plan.Edges.Single().After, Is.EqualTo(s_writer), "what a user asks for stays");
        Assert.That(plan.DrainedUsers, Is.EqualTo(new[] { "an unnamed block device" }), "its requests are waited for");
    });

    [Test]
    public void An_appended_node_comes_with_its_edges_and_inline_children() => Fixture.Run(async () =>
    {
        // backend -> base becomes backend -> over -> base, with over -> store beside it
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=a,node-name=base");
        string before = Shape();
        GraphPlan plan = await Fixture.Graph.PlanAsync(GraphEdit.Append(
            GraphFixture.Options("driver=any-role,node-name=over,role=data,file.driver=memory,file.filename=b,file.node-name=store"), backend.Root!));
        Assert.That(plan.Refusal?.Message, Is.Null, "possible");
        Assert.That(plan.OpenedNodes, Is.EquivalentTo(new[] { "over", "store" }), "both are opened");
        Assert.That(plan.ClosedNodes, Is.Empty, "and stay");
        Assert.That(
            plan.Edges.Select(e => $"{e.Change} {e.Parent} {e.Name}: {e.From} -> {e.To}"),
            Is.EquivalentTo(new[]
            {
                "Added node 'over' backing:  -> base", "Added node 'over' file:  -> store", "Redirected an unnamed block device root: base -> over",
            }),
            "the edges");
        Assert.That(plan.Edges.Where(e => e.Change == PlannedEdgeChange.Added).Select(e => e.Before), Is.All.Null, "what comes has had nothing");
        Assert.That(
            plan.Edges.Single(e => e.To == "store").After!.Value.Required,
            Is.EqualTo(BlockPermissions.ConsistentRead | BlockPermissions.Write | BlockPermissions.Resize),
            "what the writer above makes of a data child");
        Assert.That(Shape(), Is.EqualTo(before), "the graph is as before");
    });

    [Test]
    public void A_conflict_is_told_with_what_every_edge_was_to_have() => Fixture.Run(async () =>
    {
        // backend (writes) -> left -> leaf <- right <- a second writer
        BlockNode leaf = await Fixture.AddAsync("driver=memory,filename=a,node-name=leaf");
        await using BlockBackend first = await Fixture.OpenAsync("driver=pass-through,node-name=left,file=leaf");
        BlockNode right = await Fixture.AddAsync("driver=pass-through,node-name=right,file=leaf");
        BlockBackend second = await Fixture.Graph.CreateBackendAsync(new BackendOptions { Name = "second" });
        string before = Shape();
        GraphPlan plan = await Fixture.Graph.PlanAsync(GraphEdit.Insert(second, right));
        Assert.That(plan.IsPossible, Is.False, "refused");
        Assert.That(plan.Refusal!.Message, Is.EqualTo(plan.Conflict!.Message), "by the conflict");
        Assert.That(plan.Conflict.Node, Is.SameAs(leaf), "where they meet");
        Assert.That(plan.RefusedEdit, Is.Null, "no edit alone is to blame");
        Assert.That(plan.Edges.Select(e => (e.Change, e.Parent, e.After)), Is.EqualTo(new (PlannedEdgeChange, string, PermissionSet?)[]
        {
            (PlannedEdgeChange.Added, "block device 'second'", s_writer), (PlannedEdgeChange.Permissions, "node 'right'", s_writer),
        }), "down to where they conflict");
        Assert.That(second.Root, Is.Null, "the backend is empty");
        Assert.That(Shape(), Is.EqualTo(before), "the graph is as before");
    });

    [Test]
    public void A_refusal_by_structure_says_which_edit_it_is_about() => Fixture.Run(async () =>
    {
        // top -> mid -> leaf, frozen by the first edit, cut by the second
        BlockNode top = await Fixture.AddAsync(
            "driver=pass-through,node-name=top,file.driver=pass-through,file.node-name=mid,file.file.driver=memory,file.file.filename=a,file.file.node-name=leaf");
        BlockNode leaf = Fixture.Graph.FindNode("leaf")!;
        string before = Shape();
        GraphPlan plan = await Fixture.Graph.PlanAsync(GraphEdit.Freeze(top, leaf), GraphEdit.DropFilter(top.FileChild!.Node));
        Assert.That(plan.RefusedEdit, Is.EqualTo(1), "the second");
        Assert.That((plan.Refusal!.Message, plan.Refusal.Hint), Is.EqualTo(("Cannot change 'file' link from 'mid' to 'leaf'", "The link is frozen.")), "what it is about");
        Assert.That(plan.Edits, Has.Count.EqualTo(2), "both are told");
        plan = await Fixture.Graph.PlanAsync(GraphEdit.Append(GraphFixture.Options("driver=nope"), top));
        Assert.That((plan.RefusedEdit, plan.Refusal!.Message), Is.EqualTo(((int?)0, "Unknown driver 'nope'")), "one that cannot be prepared");
        Assert.That(Shape(), Is.EqualTo(before), "the graph is as before");
    });

    [Test]
    public void Frozen_links_are_told() => Fixture.Run(async () =>
    {
        BlockNode top = await Fixture.AddAsync("driver=pass-through,node-name=top,file.driver=memory,file.filename=a,file.node-name=leaf");
        GraphPlan plan = await Fixture.Graph.PlanAsync(GraphEdit.Freeze(top, top.FileChild!.Node));
        Assert.That(plan.Edges.Select(e => (e.Change, e.Parent, e.Name)), Is.EqualTo(new[] { (PlannedEdgeChange.Frozen, "node 'top'", "file") }), "the link");
        Assert.That(top.FileChild.IsFrozen, Is.False, "it is not frozen");
        await Fixture.Graph.ApplyAsync(GraphEdit.Freeze(top, top.FileChild.Node));
        plan = await Fixture.Graph.PlanAsync(GraphEdit.Thaw(top, top.FileChild.Node));
        Assert.That(plan.Edges.Select(e => e.Change), Is.EqualTo(new[] { PlannedEdgeChange.Thawed }), "and back");
        Assert.That(top.FileChild.IsFrozen, Is.True, "it is not thawed");
        await Fixture.Graph.ApplyAsync(GraphEdit.Thaw(top, top.FileChild.Node));
    });

    [Test]
    public void A_move_drains_from_the_lowest_nodes_upward() => Fixture.Run(async () =>
    {
        // two tops over one leaf: to drain the leaf is to drain them all
        BlockNode leaf = await Fixture.AddAsync("driver=memory,filename=a,node-name=leaf");
        await Fixture.AddAsync("driver=pass-through,node-name=left,file=leaf");
        await Fixture.AddAsync("driver=pass-through,node-name=right,file=leaf");
        GraphPlan plan = await Fixture.Graph.PlanAsync(GraphEdit.Move(leaf, Fixture.World.CreateContext("other")));
        Assert.That(plan.DrainedNodes, Is.EqualTo(new[] { "leaf" }), "with everything above");
        Assert.That(
            plan.MovedNodes,
            Is.EquivalentTo(new[] { ("leaf", "other"), ("left", "other"), ("right", "other") }),
            "all of the component");
        Assert.That(leaf.Context, Is.SameAs(Fixture.Context), "nothing has moved");
    });

    [Test]
    public void What_is_closed_lets_go_of_what_is_below_it() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,node-name=top,file.driver=memory,file.filename=a,file.node-name=leaf");
        GraphPlan plan = await Fixture.Graph.PlanAsync(GraphEdit.Detach(backend.RootEdge!));
        Assert.That(plan.ClosedNodes, Is.EqualTo(new[] { "top", "leaf" }), "from above");
        Assert.That(plan.Edges[0].After, Is.Null, "an edge that goes has nothing afterwards");
        Assert.That(Fixture.Graph.Nodes, Has.Count.EqualTo(2), "both are there");
    });

    [Test]
    public void The_description_of_a_reopen_says_with_what() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=a,node-name=n");
        GraphEdit kept = GraphEdit.Reopen(node, GraphFixture.Options("read-only=on,discard=unmap"));
        GraphEdit renewed = GraphEdit.Reopen(GraphFixture.Options("node-name=n,read-only=on"), GraphFixture.Options("node-name=m"));
        Assert.That(kept.Description, Is.EqualTo("reopen node 'n' with read-only=on,discard=unmap"), "what changes");
        Assert.That(renewed.Description, Is.EqualTo("reopen node 'n' with nothing but read-only=on, node 'm' with no options"), "what is left");
    });

    private string Shape() => string.Join(
        '\n',
        Fixture.Graph.Nodes.Select(n => $"{n.Name} {n.IsReadOnly} {n.QuiesceCount} {n.ReferenceCount} {n.Context.Name}: "
            + string.Join(", ", n.Children.Select(c => $"{c.Name} -> {c.Node.Name} {c.Permissions} {c.IsFrozen}")) + " / "
            + string.Join(", ", n.Parents.Select(p => $"{p.Parent.Description} {p.Permissions}"))));
}
