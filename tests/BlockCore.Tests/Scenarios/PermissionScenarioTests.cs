using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>Scenarios 1 to 12, 14 and 18: permissions and changes of the graph.</summary>
[TestFixture]
public sealed class PermissionScenarioTests : ScenarioTests
{
    [Test]
    public void S01_A_filter_that_uses_the_node_twice_does_not_fit_under_an_exclusive_writer() => Fixture.Run(async () =>
    {
        //  blk (write, not shared)          blk
        //   |                                |
        //   n  <- child(data) f     =>       f -> n  (as file, and as child)      refused
        BlockNode n = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        BlockNode f = await Fixture.AddAsync("driver=loose,node-name=f");
        await BackendAsync(n, ExclusiveWriter);
        await ApplyAsync(GraphEdit.Attach(f, n, "child", ChildRole.Data));
        string message = "Permission conflict on node 'n': permissions 'write' are both required by node 'f' (uses node 'n' as 'file' child) and unshared by node 'f' (uses node 'n' as 'child' child).";
        await AssertRefusedAsync(message, GraphEdit.Attach(f, n, "file", ChildRole.Filtered | ChildRole.Primary), GraphEdit.Replace(n, f));
    });

    [Test]
    public void S02_Appending_over_a_node_leaves_the_edges_of_the_new_nodes_own_subtree_alone() => Fixture.Run(async () =>
    {
        //   blk      f                  blk
        //    |       | (data)            |
        //    |       t          =>       f -----.
        //    |       | (backing)         | file  | (data)
        //    n <-----'                   n <---- t      t -> n has stayed: it would be a loop
        BlockNode n = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        BlockNode f = await Fixture.AddAsync("driver=loose,node-name=f");
        BlockNode t = await Fixture.AddAsync("driver=loose-none,node-name=t");
        BlockBackend blk = await BackendAsync(n);
        await ApplyAsync(GraphEdit.Attach(t, n, "backing", ChildRole.Cow), GraphEdit.Attach(f, t, "extra", ChildRole.Data));
        await ApplyAsync(GraphEdit.Attach(f, n, "file", ChildRole.Filtered | ChildRole.Primary), GraphEdit.Replace(n, f));
        Assert.That(blk.Root, Is.SameAs(f), "the backend uses the filter");
        Assert.That(f.FileChild!.Node, Is.SameAs(n), "the filter the node");
        Assert.That(t.CowChild!.Node, Is.SameAs(n), "and the filter's other child still the node");
    });

    [Test]
    public void S03_A_node_may_select_either_child_for_exclusive_writing() => Fixture.Run(async () =>
    {
        //        selector
        //       a /    \ b     write and exclude writers on the selected one
        //      fl1      fl2
        //        \      /
        //          base
        await Fixture.AddAsync("driver=memory,filename=disk,node-name=base");
        await Fixture.AddAsync("driver=pass-through,node-name=fl1,file=base");
        await Fixture.AddAsync("driver=pass-through,node-name=fl2,file=base");
        BlockNode selector = await Fixture.AddAsync("driver=selector,node-name=selector,a=fl1,b=fl2");
        foreach ((string selected, string filter, string other) in new[] { ("b", "fl2", "fl1"), ("a", "fl1", "fl2") })
        {
            Selector.Selected = selected;
            await ApplyAsync(GraphEdit.Reconsider(selector));
            Assert.That(Node(filter).FileChild!.Permissions.Required, Is.EqualTo(BlockPermissions.Write), $"{selected}: its filter writes the base");
            Assert.That(Node(other).FileChild!.Permissions.Required, Is.EqualTo(BlockPermissions.None), $"{selected}: the other has let go");
        }
    });

    [Test]
    public void S04_An_exclusive_writers_filter_is_replaced_by_its_sibling() => Fixture.Run(async () =>
    {
        //  top (exclusive writer)          top
        //   |                               |
        //  fl1    fl2              fl1     fl2
        //    \    /         =>       \    /
        //     base                    base
        await Fixture.AddAsync("driver=memory,filename=disk,node-name=base");
        BlockNode fl1 = await Fixture.AddAsync("driver=pass-through,node-name=fl1,file=base");
        BlockNode fl2 = await Fixture.AddAsync("driver=pass-through,node-name=fl2,file=base");
        BlockNode top = await Fixture.AddAsync("driver=exclusive-writer,node-name=top,file=fl1");
        await ApplyAsync(GraphEdit.Replace(fl1, fl2));
        Assert.That(top.FileChild!.Node, Is.SameAs(fl2), "the sibling is used");
        Assert.That(fl2.FileChild!.Permissions.Required, Is.EqualTo(BlockPermissions.Write), "it writes");
        Assert.That(fl1.FileChild!.Permissions, Is.EqualTo(PermissionSet.Unused), "the other needs nothing any more");
    });

    [Test]
    public void S05_An_exclusive_writer_is_appended_under_an_exclusive_writer() => Fixture.Run(async () =>
    {
        //  top (exclusive)       top (exclusive)
        //   |                     |
        //  base            =>    new (exclusive)         side by side over base the two would conflict
        //                         |
        //                        base
        BlockNode @base = await Fixture.AddAsync("driver=memory,filename=disk,node-name=base");
        BlockNode top = await Fixture.AddAsync("driver=exclusive-writer,node-name=top,file=base");
        BlockException sideBySide = await Failure.OfAsync(() => Fixture.AddAsync("driver=exclusive-writer,node-name=second,file=base"));
        Assert.That(sideBySide.Message, Does.StartWith("Permission conflict on node 'base': permissions 'write' are both required by"), "side by side");
        await ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=exclusive-writer,node-name=new"), @base));
        Assert.That(top.FileChild!.Node.Name, Is.EqualTo("new"), "above the new one");
        Assert.That(Node("new").FileChild!.Node, Is.SameAs(@base), "which is above the base");
        Assert.That(Node("new").FileChild!.Permissions.Required, Is.EqualTo(BlockPermissions.Write), "and has its permissions");
    });

    [Test]
    public void S06_Two_writable_formats_over_one_file_conflict() => Fixture.Run(async () =>
    {
        //  one (format, rw)   two (format, rw)
        //        \            /
        //             file
        BlockNode file = await Fixture.AddAsync("driver=memory,filename=disk,node-name=file");
        await Fixture.AddAsync("driver=any-role,node-name=one,file=file");
        string before = Picture();
        BlockException error = await Failure.OfAsync(() => Fixture.AddAsync("driver=any-role,node-name=two,file=file"));
        Assert.That(
            error.Message,
            Is.EqualTo("Permission conflict on node 'file': permissions 'write, resize' are both required by node 'two' (uses node 'file' as 'file' child) and unshared by node 'one' (uses node 'file' as 'file' child)."),
            "the conflict names both");
        Assert.That(Picture(), Is.EqualTo(before), "the file's parents are unchanged");
        Assert.That(file.Parents, Has.Count.EqualTo(1), "one parent");
    });

    [Test]
    public void S07_Two_read_only_formats_over_one_file_do_not() => Fixture.Run(async () =>
    {
        BlockNode file = await Fixture.AddAsync("driver=memory,filename=disk,node-name=file");
        await Fixture.AddAsync("driver=any-role,node-name=one,file=file,read-only=on");
        await Fixture.AddAsync("driver=any-role,node-name=two,file=file,read-only=on");
        Assert.That(file.Parents.Select(p => p.Permissions.Required), Has.All.EqualTo(BlockPermissions.ConsistentRead), "both only read");
    });

    [Test]
    public void S08_Asking_for_less_succeeds_though_the_rest_cannot_be_computed() => Fixture.Run(async () =>
    {
        // blk -> n, whose driver refuses whatever it is asked
        BlockNode n = await Fixture.AddAsync("driver=any-role,role=filtered,node-name=n,file.driver=memory,file.filename=disk");
        BlockBackend blk = await BackendAsync(n);
        Fixture.Roles.RefusingNode = "n";
        await blk.SetPermissionsAsync(PermissionSet.Unused);
        Assert.That((blk.Permissions, blk.RootEdge!.Permissions), Is.EqualTo((PermissionSet.Unused, PermissionSet.Unused)), "reported as done, and done");
        BlockException more = await Failure.OfAsync(() => blk.SetPermissionsAsync(ExclusiveWriter));
        Assert.That(more.Message, Is.EqualTo("Node 'n' refuses"), "asking for more is not");
    });

    [TestCase(false)]
    [TestCase(true)]
    public void S09_Writing_an_image_without_a_whole_last_block_needs_resize(bool canResize) => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("odd", 1000);
        BlockNode n = await Fixture.AddAsync("driver=memory,filename=odd,align=512,node-name=n");
        BackendOptions options = new() { CanResize = canResize };
        if (canResize)
        {
            Assert.That((await World.AttachBackendAsync(n, options)).IsReadOnly, Is.False, "accepted");
            return;
        }

        BlockException error = await Failure.OfAsync(() => World.AttachBackendAsync(n, options));
        Assert.That(error.Message, Is.EqualTo("Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment"), "refused");
        Assert.That(n.Parents, Is.Empty, "nothing is left");
    });

    [Test]
    public void S10_A_node_cannot_become_its_own_ancestor() => Fixture.Run(async () =>
    {
        // a -> b -> c; c -> a would close the circle
        BlockNode a = await Fixture.AddAsync("driver=pass-through,node-name=a,file.driver=pass-through,file.node-name=b,file.file.driver=loose,file.file.node-name=c");
        await AssertRefusedAsync("Making 'a' a file child of 'c' would create a cycle", GraphEdit.Attach(Node("c"), a, "file", ChildRole.Filtered | ChildRole.Primary));
    });

    [Test]
    public void S11_A_failed_attach_leaves_nothing_of_a_child_that_nobody_else_holds() => Fixture.Run(async () =>
    {
        // The new node's own child is opened; then it cannot write node n, which has a writer that excludes others.
        BlockNode n = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        await BackendAsync(n, new PermissionSet(BlockPermissions.Write, BlockPermissions.None));
        Selector.Selected = "b";
        string before = Picture();
        BlockException error = await Failure.OfAsync(() => Fixture.AddAsync("driver=selector,node-name=two,a.driver=memory,a.filename=mine,b=n"));
        Assert.That(error.Message, Does.StartWith("Permission conflict on node 'n'"), "refused");
        Assert.That(Picture(), Is.EqualTo(before), "no node, no reference");
        Assert.That(Fixture.Memory.Storage("mine").OpenCount, Is.Zero, "the inline child is closed");
    });

    [Test]
    public void S12_A_chain_is_frozen_as_a_whole_or_not_at_all() => Fixture.Run(async () =>
    {
        // a -> b -> c -> d, the middle link frozen
        await Fixture.AddAsync("driver=pass-through,node-name=a,file.driver=pass-through,file.node-name=b,file.file.driver=pass-through,file.file.node-name=c,file.file.file.driver=memory,file.file.file.filename=disk,file.file.file.node-name=d");
        await ApplyAsync(GraphEdit.Freeze(Node("b"), Node("c")));
        await AssertRefusedAsync("Cannot change 'file' link from 'b' to 'c'", GraphEdit.Freeze(Node("a"), Node("d")));
        Assert.That(Node("a").FileChild!.IsFrozen, Is.False, "no link was frozen");
        BlockNode other = await Fixture.AddAsync("driver=memory,filename=other,node-name=other");
        await AssertRefusedAsync("Cannot change 'file' link to 'c'", GraphEdit.Replace(Node("c"), other));
        await AssertRefusedAsync("Cannot change 'file' link from 'b' to 'c'", GraphEdit.DropFilter(Node("b")));
        await AssertRefusedAsync("Node 'a' is not in the chain of 'b'", GraphEdit.Freeze(Node("b"), Node("a")));
        Node("d").NeverFreezes = true;
        await AssertRefusedAsync("Cannot freeze 'file' link to 'd'", GraphEdit.Freeze(Node("c"), Node("d")));
        await ApplyAsync(GraphEdit.Thaw(Node("b"), Node("c")));
        await ApplyAsync(GraphEdit.Replace(Node("c"), other));
        Assert.That(Node("b").FileChild!.Node, Is.SameAs(other), "thawed, it can be replaced");
    });

    [Test]
    public void S14_A_node_in_use_is_not_removed_and_an_inline_child_goes_with_its_parent() => Fixture.Run(async () =>
    {
        BlockNode n = await Fixture.AddAsync("driver=pass-through,node-name=n,file.driver=memory,file.filename=disk,file.node-name=inline");
        BlockNode parent = await Fixture.AddAsync("driver=pass-through,node-name=parent,file=n");
        BlockBackend blk = await BackendAsync(parent);
        Assert.That((await Failure.OfAsync(() => World.RemoveNodeAsync("n"))).Message, Is.EqualTo("Block device n is in use"), "by a node");
        Assert.That((await Failure.OfAsync(() => World.RemoveNodeAsync("parent"))).Message, Is.EqualTo("Node parent is in use"), "by a backend");
        Assert.That((await Failure.OfAsync(() => World.RemoveNodeAsync("inline"))).Message, Is.EqualTo("Node inline is not owned by the monitor"), "an inline child");
        Assert.That((await Failure.OfAsync(() => World.RemoveNodeAsync("nobody"))).Message, Is.EqualTo("Failed to find node with node-name='nobody'"), "unknown");
        await blk.DisposeAsync();
        await World.RemoveNodeAsync("parent");
        await World.RemoveNodeAsync("n");
        Assert.That(World.Nodes, Is.Empty, "the inline child has gone with its parent");
    });

    [Test]
    public void S18_An_inactive_node_has_no_writers_until_it_is_active_again() => Fixture.Run(async () =>
    {
        // blk -> fmt (format) -> file      other -> file, once fmt is inactive
        BlockNode file = await Fixture.AddAsync("driver=memory,filename=disk,node-name=file");
        BlockNode fmt = await Fixture.AddAsync("driver=any-role,node-name=fmt,file=file");
        BlockBackend blk = await BackendAsync(fmt);
        string before = Picture();
        await AssertRefusedAsync("Node 'file' has active parent node 'fmt'", GraphEdit.Deactivate(file));
        await ApplyAsync(GraphEdit.Deactivate(fmt));
        Assert.That((fmt.IsInactive, file.IsInactive), Is.EqualTo((true, true)), "with what is below it");
        Assert.That(blk.RootEdge!.Permissions, Is.EqualTo(PermissionSet.Unused), "the backend has given up");
        Assert.That((await Failure.OfRequestAsync(() => blk.WriteAsync(0, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "it cannot write");
        Assert.That((await Failure.OfAsync(() => BackendAsync(file, ExclusiveWriter))).Message, Is.EqualTo("Block node is read-only"), "nobody can");
        await ApplyAsync(GraphEdit.Activate(fmt));
        Assert.That(Picture(), Is.EqualTo(before), "everything is as it was");
        await blk.WriteAsync(0, new byte[1]);

        // A driver that cannot have its permissions back leaves all of it inactive.
        await ApplyAsync(GraphEdit.Deactivate(fmt));
        Fixture.Roles.RefusingNode = "fmt";
        await AssertRefusedAsync("Node 'fmt' refuses", GraphEdit.Activate(fmt));
        Assert.That((fmt.IsInactive, file.IsInactive), Is.EqualTo((true, true)), "inactive still");
        Fixture.Roles.RefusingNode = null;
        await ApplyAsync(GraphEdit.Activate(fmt));
        Assert.That(Picture(), Is.EqualTo(before), "and can be tried again");
    });
}
