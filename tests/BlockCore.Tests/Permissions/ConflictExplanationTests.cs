using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Tests.Permissions;

/// <summary>What a conflict advises: the edge to change is the one at which the need begins, in the graph as it would be.</summary>
[TestFixture]
public sealed class ConflictExplanationTests : GraphTests
{
    [Test]
    public void Needs_are_followed_up_to_the_users_whose_they_are() => Fixture.Run(async () =>
    {
        // first -> left -> leaf <- right <- second
        await Fixture.AddAsync("driver=memory,filename=a,node-name=leaf");
        await Fixture.OpenAsync("driver=pass-through,node-name=left,file=leaf", new BackendOptions { Name = "first" });
        BlockNode right = await Fixture.AddAsync("driver=pass-through,node-name=right,file=leaf");
        Assert.That(await ExplainAsync(GraphEdit.Insert(await CreateAsync("second"), right)), Is.EqualTo(
            """
            On node 'leaf' one user needs 'write', and another does not share it:
              needed by:     'file' of node 'right' <- 'root' of block device 'second'
              not shared by: 'file' of node 'left' <- 'root' of block device 'first'
            Either let 'root' of block device 'first' share 'write', or let 'root' of block device 'second' do without 'write' (open it read-only).
            """));
    });

    [Test]
    public void A_format_writes_its_metadata_and_shares_it_with_nobody() => Fixture.Run(async () =>
    {
        // w (writable) -> file <- r (read-only): neither of their users could change it
        BlockNode file = await Fixture.AddAsync("driver=memory,filename=a,node-name=file");
        await Fixture.AddAsync("driver=any-role,node-name=w,file=file");
        BlockNode other = await Fixture.AddAsync("driver=any-role,node-name=r,file.driver=memory,file.filename=b,file.node-name=elsewhere,read-only=on");
        Assert.That(await ExplainAsync(GraphEdit.Replace(other.FileChild!.Node, file)), Does.EndWith(
            "Either take 'file' from node 'r', which never shares it, or open node 'w' read-only."));
    });

    [Test]
    public void Who_stores_data_in_a_child_relies_on_its_length() => Fixture.Run(async () =>
    {
        BlockNode file = await Fixture.AddAsync("driver=memory,filename=a,node-name=file");
        await Fixture.AddAsync("driver=any-role,node-name=data,role=data,file=file,read-only=on");
        BlockBackend resizer = await CreateAsync("resizer", new PermissionSet(BlockPermissions.Resize, BlockPermissions.All));
        Assert.That(await ExplainAsync(GraphEdit.Insert(resizer, file)), Does.EndWith(
            "Either take 'file' from node 'data', which never shares it, or let 'root' of block device 'resizer' do without 'resize' (open it read-only)."));
    });

    [Test]
    public void A_filter_that_needs_it_by_itself_is_named() => Fixture.Run(async () =>
    {
        BlockNode leaf = await Fixture.AddAsync("driver=memory,filename=a,node-name=leaf");
        await Fixture.AddAsync("driver=exclusive-writer,node-name=filter,file=leaf");
        BlockBackend reader = await CreateAsync("reader", new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.ConsistentRead));
        Assert.That(await ExplainAsync(GraphEdit.Insert(reader, leaf)), Does.EndWith(
            "Either let 'root' of block device 'reader' share 'write', or let 'file' of node 'filter' do without 'write' (open it read-only)."));
    });

    [Test]
    public void Where_several_users_need_it_they_are_named_together() => Fixture.Run(async () =>
    {
        // two sharing writers over 'shared', which is over leaf; somebody who tolerates no writer beside them
        BlockNode leaf = await Fixture.AddAsync("driver=memory,filename=a,node-name=leaf");
        BlockNode shared = await Fixture.AddAsync("driver=pass-through,node-name=shared,file=leaf");
        PermissionSet writes = new(BlockPermissions.Write, BlockPermissions.Write);
        await Fixture.Graph.AttachBackendAsync(shared, new BackendOptions { Permissions = writes });
        await Fixture.Graph.AttachBackendAsync(shared, new BackendOptions { Permissions = writes });
        string text = await ExplainAsync(GraphEdit.Insert(await CreateAsync("guard", new PermissionSet(BlockPermissions.None, BlockPermissions.None)), leaf));
        Assert.That(text, Does.Contain("needed by:     'file' of node 'shared'\n"), "the chain ends where it forks");
        Assert.That(text, Does.EndWith("or let the users of node 'shared' do without 'write' (open them read-only)."), "both need it");
        text = await ExplainAsync(GraphEdit.Insert(await CreateAsync("reader", new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All)), leaf));
        Assert.That(
            text,
            Does.EndWith("Either let the users of node 'shared' share 'consistent read', or let 'root' of block device 'reader' do without 'consistent read'."),
            "neither shares it");
    });

    [Test]
    public void A_node_that_becomes_read_only_under_a_writer_names_the_writer() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,node-name=top,file.driver=memory,file.filename=a,file.node-name=leaf,file.read-only=on", new BackendOptions { ReadOnly = true });
        Assert.That(await ExplainAsync(GraphEdit.SetPermissions(backend.RootEdge!, new PermissionSet(BlockPermissions.Write, BlockPermissions.All))), Is.EqualTo(
            """
            Node 'leaf' is read-only, and one user needs to write it:
              needed by: 'file' of node 'top' <- 'root' of an unnamed block device
            Either open node 'leaf' read-write (read-only=off), or let 'root' of an unnamed block device do without 'write' (open it read-only).
            """));
    });

    [Test]
    public void A_length_that_is_no_multiple_of_the_alignment_is_said() => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("odd", 1000);
        BlockNode odd = await Fixture.AddAsync("driver=memory,filename=odd,node-name=odd,align=512");
        Assert.That(await ExplainAsync(GraphEdit.Insert(await CreateAsync("writer"), odd)), Is.EqualTo(
            """
            Node 'odd' has 1000 bytes, no multiple of 512: to write its end means to lengthen it.
              written by: 'root' of block device 'writer'
            Either let 'root' of block device 'writer' have 'resize' too, or give the image a whole number of blocks.
            """));
    });

    private async Task<BlockBackend> CreateAsync(string name, PermissionSet? permissions = null) =>
        await Fixture.Graph.CreateBackendAsync(new BackendOptions { Name = name, Permissions = permissions });

    private async Task<string> ExplainAsync(GraphEdit edit)
    {
        GraphPlan plan = await Fixture.Graph.PlanAsync(edit);
        Assert.That(plan.Conflict, Is.Not.Null, plan.Refusal?.Message ?? "it is possible");
        return plan.Conflict!.Explain();
    }
}
