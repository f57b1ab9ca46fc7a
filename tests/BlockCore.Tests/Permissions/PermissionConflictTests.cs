using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Permissions;

/// <summary>Who may use a node beside whom, and what a refusal says.</summary>
[TestFixture]
public sealed class PermissionConflictTests : GraphTests
{
    private static readonly PermissionSet s_readerThatHatesWriters = new(BlockPermissions.ConsistentRead, BlockPermissions.All & ~BlockPermissions.Write);

    [Test]
    public void A_second_writable_backend_is_refused_in_our_own_profile() => Fixture.Run(async () =>
    {
        await Fixture.AddAsync("driver=memory,filename=disk,node-name=disk");
        BlockNode disk = Fixture.Graph.FindNode("disk")!;
        BlockBackend first = await Fixture.Graph.AttachBackendAsync(disk, new BackendOptions { Name = "first" });
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(disk));
        Assert.That(
            error.Message,
            Is.EqualTo("Permission conflict on node 'disk': permissions 'write' are both required by an unnamed block device (uses node 'disk' as 'root' child) and unshared by block device 'first' (uses node 'disk' as 'root' child)."),
            "both users are named");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "the kind");
        Assert.That(disk.Parents, Is.EqualTo(new[] { first.RootEdge }), "the node's users are as before");
        await using BlockBackend reader = await Fixture.Graph.AttachBackendAsync(disk, new BackendOptions { ReadOnly = true });
        Assert.That(reader.IsReadOnly, Is.True, "a reader is tolerated");
        await first.DisposeAsync();
        await using BlockBackend writer = await Fixture.Graph.AttachBackendAsync(disk);
        Assert.That(writer.IsReadOnly, Is.False, "after the first has gone");
    });

    [Test]
    public void Writers_that_share_writing_tolerate_each_other() => Fixture.Run(async () =>
    {
        BlockNode disk = await Fixture.AddAsync("driver=memory,filename=disk,node-name=disk");
        await Fixture.Graph.AttachBackendAsync(disk, new BackendOptions { ShareWrite = true });
        await Fixture.Graph.AttachBackendAsync(disk, new BackendOptions { ShareWrite = true });
        Assert.That(disk.Parents, Has.Count.EqualTo(2), "both");
        Assert.That(
            (await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(disk))).Message,
            Does.Contain("unshared by an unnamed block device"),
            "one that does not share is refused from its side as well");
    });

    [Test]
    public void The_qemu_profile_lets_writers_share()
    {
        using GraphFixture fixture = new(graphOptions: new NodeGraphOptions { Profile = CompatibilityProfile.Qemu });
        fixture.Run(async () =>
        {
            BlockNode disk = await fixture.AddAsync("driver=memory,filename=disk,node-name=disk");
            await fixture.Graph.AttachBackendAsync(disk);
            await fixture.Graph.AttachBackendAsync(disk);
            Assert.That(disk.Parents, Has.Count.EqualTo(2), "both");
            await Failure.OfAsync(() => fixture.Graph.AttachBackendAsync(disk, new BackendOptions { ShareWrite = false }));
        });
    }

    [Test]
    public void Several_permissions_in_conflict_are_named_in_their_order() => Fixture.Run(async () =>
    {
        BlockNode disk = await Fixture.AddAsync("driver=memory,filename=disk,node-name=disk");
        await Fixture.Graph.AttachBackendAsync(disk, new BackendOptions { Permissions = new PermissionSet(BlockPermissions.None, BlockPermissions.None) });
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(disk, new BackendOptions { Permissions = new PermissionSet(BlockPermissions.All, BlockPermissions.All) }));
        Assert.That(error.Message, Does.Contain("permissions 'consistent read, write, write unchanged, resize' are both required"), "all four");
    });

    [Test]
    public void An_exclusive_writer_cannot_come_below_a_data_child_that_needs_writing() => Fixture.Run(async () =>
    {
        // backend (write, unshared) -> N; the filter that must be the only writer comes to N as well: refused, all as before
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=N");
        PermissionSet before = backend.RootEdge!.Permissions;
        BlockException error = await Failure.OfAsync(() => Fixture.AddAsync("driver=exclusive-writer,node-name=F,file=N"));
        Assert.That(error.Message, Does.StartWith("Permission conflict on node 'N': permissions 'write'"), "the conflict");
        Assert.That(backend.Root!.Parents, Is.EqualTo(new[] { backend.RootEdge }), "no edge is left");
        Assert.That(backend.RootEdge.Permissions, Is.EqualTo(before), "no permission has changed");
        Assert.That(Fixture.Graph.FindNode("F"), Is.Null, "no node");
    });

    [Test]
    public void Stacked_exclusive_writers_are_fine_where_branches_are_not() => Fixture.Run(async () =>
    {
        // top -> filter -> base, each the only writer of the next; a branch beside 'filter' conflicts
        await Fixture.AddAsync("driver=exclusive-writer,node-name=top,file.driver=exclusive-writer,file.node-name=filter,file.file.driver=memory,file.file.filename=disk,file.file.node-name=base");
        await Failure.OfAsync(() => Fixture.AddAsync("driver=exclusive-writer,node-name=branch,file=base"));
        Assert.That(Fixture.Graph.FindNode("base")!.Parents, Has.Count.EqualTo(1), "the branch is gone");
    });

    [Test]
    public void Two_writable_formats_on_one_file_conflict_and_two_read_only_ones_do_not() => Fixture.Run(async () =>
    {
        BlockNode file = await Fixture.AddAsync("driver=memory,filename=disk,node-name=file");
        BlockNode reader = await Fixture.AddAsync("driver=any-role,node-name=r1,read-only=on,file=file");
        await Fixture.AddAsync("driver=any-role,node-name=r2,read-only=on,file=file");
        Assert.That(file.Parents, Has.Count.EqualTo(2), "two readers");
        BlockException byReaders = await Failure.OfAsync(() => Fixture.AddAsync("driver=any-role,node-name=w0,file=file"));
        Assert.That(byReaders.Message, Does.Contain("'write, resize' are both required by node 'w0' (uses node 'file' as 'file' child) and unshared by node 'r1'"), "metadata readers tolerate no writer");
        await Fixture.Graph.RemoveNodeAsync("r2");
        await Fixture.Graph.RemoveNodeAsync(reader.Name);
        await Fixture.AddAsync("driver=any-role,node-name=w1,file=file");
        BlockException error = await Failure.OfAsync(() => Fixture.AddAsync("driver=any-role,node-name=w2,file=file"));
        Assert.That(
            error.Message,
            Is.EqualTo("Permission conflict on node 'file': permissions 'write, resize' are both required by node 'w2' (uses node 'file' as 'file' child) and unshared by node 'w1' (uses node 'file' as 'file' child)."),
            "the text that users match on");
        Assert.That(file.Parents, Has.Count.EqualTo(1), "the file's users are as before");
        await Fixture.AddAsync("driver=pass-through,node-name=idle,file=file");
        Assert.That(file.Parents, Has.Count.EqualTo(2), "a filter that nobody uses needs nothing");
    });

    [Test]
    public void A_writer_on_a_read_only_node_is_refused() => Fixture.Run(async () =>
    {
        BlockNode disk = await Fixture.AddAsync("driver=memory,filename=disk,node-name=disk,read-only=on");
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(disk));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NotPermitted, "Block node is read-only")), "the text");
        await Failure.OfAsync(() => Fixture.AddAsync("driver=any-role,node-name=format,file=disk"));
        Assert.That(disk.Parents, Is.Empty, "nobody stays");
    });

    [Test]
    public void A_writer_through_a_writable_filter_of_a_read_only_node_is_refused() => Fixture.Run(async () =>
    {
        await Fixture.AddAsync("driver=memory,filename=disk,node-name=disk,read-only=on");
        BlockNode filter = await Fixture.AddAsync("driver=pass-through,node-name=filter,file=disk");
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(filter));
        Assert.That(error.Message, Is.EqualTo("Block node is read-only"), "found below");
        Assert.That(filter.FileChild!.Permissions, Is.EqualTo(PermissionSet.Unused), "the inner edge is as before");
    });

    [Test]
    public void A_node_that_shares_by_force_tolerates_whatever_its_users_do_not() => Fixture.Run(async () =>
    {
        // N (force-share) -> role; role would refuse every writer, but its file node is shared by force
        BlockNode disk = await Fixture.AddAsync("driver=memory,filename=disk,node-name=disk,read-only=on,force-share=on");
        await Fixture.AddAsync("driver=any-role,node-name=format,read-only=on,file=disk");
        Assert.That(disk.ForceShare, Is.True, "by option");
        Assert.That(disk.Parents[0].Permissions.Shared, Is.EqualTo(BlockPermissions.All), "shared in full");
    });

    [TestCase(1000, false)]
    [TestCase(1024, true)]
    public void Writing_needs_resizing_where_the_length_is_no_multiple_of_the_alignment(int lengthBytes, bool isAllowed) => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("odd", lengthBytes);
        BlockNode odd = await Fixture.AddAsync("driver=memory,filename=odd,node-name=odd,align=512");
        if (isAllowed)
        {
            await Fixture.Graph.AttachBackendAsync(odd);
            return;
        }

        BlockException error = await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(odd));
        Assert.That(error.Message, Is.EqualTo("Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment"), "refused");
        await using BlockBackend resizer = await Fixture.Graph.AttachBackendAsync(odd, new BackendOptions { CanResize = true });
        Assert.That(resizer.RootEdge!.Permissions.Required, Is.EqualTo(BlockPermissions.ConsistentRead | BlockPermissions.Write | BlockPermissions.Resize), "accepted");
    });

    [Test]
    public void Loosening_never_fails() => Fixture.Run(async () =>
    {
        BlockNode disk = await Fixture.AddAsync("driver=memory,filename=disk,node-name=disk");
        BlockNode format = await Fixture.AddAsync("driver=any-role,node-name=format,role=data,file=disk");
        BlockBackend backend = await Fixture.Graph.AttachBackendAsync(format);
        Fixture.Roles.RefusingNode = "format";
        await backend.DisposeAsync();
        Assert.That(format.Parents, Is.Empty, "the user is gone");
        Fixture.Roles.RefusingNode = null;
        Assert.That(disk.Parents[0].Permissions.Required & BlockPermissions.Write, Is.EqualTo(BlockPermissions.None), "and with it what it asked for below, though the driver refused");
    });

    [Test]
    public void An_edge_that_would_close_a_cycle_is_refused() => Fixture.Run(async () =>
    {
        // a -> b; attaching a below b
        BlockNode a = await Fixture.AddAsync("driver=pass-through,node-name=a,file.driver=scripted,file.node-name=b");
        BlockNode b = Fixture.Graph.FindNode("b")!;
        int references = a.ReferenceCount;
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Attach(b, a, "file", ChildRole.Filtered)));
        Assert.That(error.Message, Is.EqualTo("Making 'a' a file child of 'b' would create a cycle"), "refused");
        Assert.That(a.ReferenceCount, Is.EqualTo(references), "no reference is leaked");
        Assert.That(b.Children, Is.Empty, "no edge");
        error = await Failure.OfAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Attach(a, a, "self", ChildRole.None)));
        Assert.That(error.Message, Is.EqualTo("Making 'a' a self child of 'a' would create a cycle"), "nor to itself");
    });

    [Test]
    public void A_failed_attach_drops_the_child_that_nobody_else_holds() => Fixture.Run(async () =>
    {
        // The inline child is opened, then the edge to it is refused.
        Fixture.Roles.RefusingNode = "child";
        await Failure.OfAsync(() => Fixture.AddAsync("driver=any-role,node-name=parent,file.driver=any-role,file.node-name=child,file.file.driver=memory,file.file.filename=disk"));
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "no node");
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "no storage");
    });

    [Test]
    public void A_reader_may_refuse_later_writers() => Fixture.Run(async () =>
    {
        BlockNode disk = await Fixture.AddAsync("driver=memory,filename=disk,node-name=disk");
        await Fixture.Graph.AttachBackendAsync(disk, new BackendOptions { Permissions = s_readerThatHatesWriters });
        BlockNode filter = await Fixture.AddAsync("driver=pass-through,node-name=filter,file=disk");
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(filter));
        Assert.That(error.Message, Does.Contain("required by node 'filter' (uses node 'disk' as 'file' child) and unshared by an unnamed block device"), "the conflict is where the users meet");
        Assert.That(filter.Parents, Is.Empty, "the backend is gone");
        Assert.That(filter.FileChild!.Permissions.Required, Is.EqualTo(BlockPermissions.None), "the filter needs nothing again");
    });
}
