using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>Scenarios 30 to 38: reopening, mostly on a format that does not interpret its data.</summary>
[TestFixture]
public sealed class ReopenScenarioTests : ScenarioTests
{
    private const int Cluster = 4096;

    private const string TwoChains =
        "driver=any-role,node-name=one,file.driver=memory,file.filename=one,file.node-name=one-file|" +
        "driver=any-role,node-name=two,file.driver=memory,file.filename=two,file.node-name=two-file";

    [Test]
    public void S30_A_reopen_that_does_not_speak_of_the_backing_child_is_refused() => Fixture.Run(async () =>
    {
        // top -> backing
        await Fixture.AddAsync("driver=memory,filename=base,node-name=base");
        await Fixture.AddAsync("driver=any-role,node-name=top,file.driver=memory,file.filename=top,backing=base");
        await AssertRefusedAsync("backing is missing for 'top'", GraphEdit.Reopen(GraphFixture.Options("driver=any-role,node-name=top,label=new")));
        await ApplyAsync(GraphEdit.Reopen(GraphFixture.Options("driver=any-role,node-name=top,label=new,backing=base")));
        Assert.That(LabelOf("top"), Is.EqualTo("new"), "with it, it is not");
        Assert.That(Node("top").CowChild!.Node.Name, Is.EqualTo("base"), "which stays where it was");
    });

    [Test]
    public void S31_The_backing_child_goes_becomes_another_and_comes_back([ValueSource(nameof(Formats))] string format, [Values] bool keepsOld) => Fixture.Run(async () =>
    {
        // blk -> top (a cluster of its own) -> one    =>    nothing    =>    two    =>    one
        Array.Fill(Fixture.Memory.Storage("one", 4 * Cluster).Bytes, (byte)1);
        Array.Fill(Fixture.Memory.Storage("two", 4 * Cluster).Bytes, (byte)2);
        await PutImageAsync(Fixture, format, "top", 4 * Cluster);
        await AddAllAsync("driver=memory,filename=one,node-name=one|driver=memory,filename=two,node-name=two");
        await AddAllAsync($"driver=memory,filename=top,node-name=file|driver={format},node-name=top,file=file,backing=one");
        BlockBackend blk = await BackendAsync(Node("top"));
        await blk.WriteAsync(0, new byte[] { 9 });
        Assert.That(await ReadClustersAsync(blk), Is.EqualTo(new byte[] { 9, 1, 1, 1 }), "at first");
        foreach ((string? backing, byte shown, int copied) in new (string?, byte, int)[] { (null, 0, 1), ("two", 2, 1), ("one", 1, 1), (null, 0, 2), ("one", 1, 2) })
        {
            OptionsDictionary changes = keepsOld ? [] : GraphFixture.Options($"driver={format},file=file");
            changes["node-name"] = "top";
            changes["backing"] = backing is null ? OptionNull.Instance : backing;
            await ApplyAsync(keepsOld ? GraphEdit.Reopen(Node("top"), changes) : GraphEdit.Reopen(changes));
            Assert.That(Node("top").CowChild?.Node.Name, Is.EqualTo(backing), $"{backing}: the child");
            Assert.That(new[] { "one", "two" }.Select(n => Node(n).Parents.Count), Is.EqualTo(new[] { "one", "two" }.Select(n => n == backing ? 1 : 0)), $"{backing}: the parents");
            byte[] expected = [9, copied > 1 ? (byte)8 : shown, shown, shown];
            if (copied > 1 && backing is null)
            {
                await blk.WriteAsync(Cluster, new byte[] { 8 });
            }

            Assert.That(await ReadClustersAsync(blk), Is.EqualTo(expected), $"{backing}: what is read");
        }
    });

    [Test]
    public void S32_Where_the_second_node_refuses_the_first_stays_as_it_was() => Fixture.Run(async () =>
    {
        await AddAllAsync(TwoChains);
        Fixture.Roles.RefusingReopen = "two";
        Fixture.Roles.Log.Clear();
        await AssertRefusedAsync("Node 'two' will not be reopened", Reopen("one", "label=new,read-only=on"), Reopen("two", "label=new"));
        Assert.That(Fixture.Roles.Log.Where(l => l.Contains("reopen", StringComparison.Ordinal)), Is.EqualTo(new[] { "prepare reopen one", "prepare reopen two", "abort reopen one" }), "the first driver goes back");
        Assert.That((LabelOf("one"), LabelOf("two")), Is.EqualTo(("none", "none")), "both have their old options");
        Assert.That(Node("one").IsReadOnly, Is.False, "and their old access");
    });

    [Test]
    public void S33_Where_the_permissions_are_refused_after_both_have_prepared_both_stay_as_they_were() => Fixture.Run(async () =>
    {
        // blk (writes) -> two, which is to become read-only together with one
        await AddAllAsync(TwoChains);
        await BackendAsync(Node("two"));
        Fixture.Roles.Log.Clear();
        Fixture.Roles.RefusingNode = "two";
        await AssertRefusedAsync("Node 'two' refuses", Reopen("one", "label=new,read-only=on"), Reopen("two", "label=new"));
        Assert.That(
            Fixture.Roles.Log,
            Is.EqualTo(new[] { "prepare reopen one", "prepare reopen two", "check one", "check two", "abort one", "abort reopen two", "abort reopen one" }),
            "prepared, checked and taken back");
        Assert.That((LabelOf("one"), LabelOf("two")), Is.EqualTo(("none", "none")), "old options");
        Fixture.Roles.RefusingNode = null;
        await AssertRefusedAsync("Read-only block node 'two' cannot support read-write users", Reopen("one", "label=new"), Reopen("two", "read-only=on"));
        await ApplyAsync(Reopen("one", "label=new,read-only=on"), Reopen("two", "label=newer"));
        Assert.That((LabelOf("one"), LabelOf("two"), Node("one").IsReadOnly), Is.EqualTo(("new", "newer", true)), "and now together");
    });

    [TestCase(false)]
    [TestCase(true)]
    public void S34_The_old_inline_child_goes_when_the_change_holds_and_stays_when_it_does_not(bool isRefused) => Fixture.Run(async () =>
    {
        // top -> inline    =>    top -> other
        await AddAllAsync("driver=any-role,node-name=top,file.driver=memory,file.filename=inline,file.node-name=inline|driver=memory,filename=other,node-name=other");
        Fixture.Roles.RefusingReopen = isRefused ? "top" : null;
        GraphEdit reopen = Reopen("top", "file=other");
        if (isRefused)
        {
            await AssertRefusedAsync("Node 'top' will not be reopened", reopen);
            Assert.That(Fixture.Memory.Storage("inline").OpenCount, Is.EqualTo(1), "the inline child is still open");
            return;
        }

        await ApplyAsync(reopen);
        Assert.That(Node("top").FileChild!.Node.Name, Is.EqualTo("other"), "the new child");
        Assert.That(World.FindNode("inline"), Is.Null, "the old one is gone");
        Assert.That(Fixture.Memory.Storage("inline").OpenCount, Is.Zero, "and closed");
    });

    [Test]
    public void S35_A_file_under_a_writable_format_becomes_read_only_with_it_or_not_at_all() => Fixture.Run(async () =>
    {
        // fmt (rw) -> pass (a filter that cannot be reopened) -> file
        await AddAllAsync("driver=scripted,node-name=file|driver=switch-filter,node-name=pass,file=file|driver=any-role,node-name=fmt,file=pass");
        await AssertRefusedAsync("Block format 'switch-filter' used by node 'pass' does not support reopening files", Reopen("pass", "read-only=on"));
        await AddAllAsync("driver=any-role,role=filtered,node-name=inner,file.driver=memory,file.filename=inner|driver=any-role,node-name=outer,file=inner");
        await AssertRefusedAsync("Read-only block node 'inner' cannot support read-write users", Reopen("inner", "read-only=on"));
        await ApplyAsync(Reopen("inner", "read-only=on"), Reopen("outer", "read-only=on"));
        Assert.That((Node("inner").IsReadOnly, Node("outer").IsReadOnly), Is.EqualTo((true, true)), "together");
        Assert.That(Node("outer").FileChild!.Permissions.Required, Is.EqualTo(BlockPermissions.ConsistentRead), "nobody writes any more");
        await AssertRefusedAsync("Block node is read-only", Reopen("outer", "read-only=off"));
        await ApplyAsync(Reopen("outer", "read-only=off"), Reopen("inner", "read-only=off"));
        Assert.That((Node("inner").IsReadOnly, Node("outer").IsReadOnly), Is.EqualTo((false, false)), "and back, in any order");
    });

    [Test]
    public void S36_What_cannot_be_changed_is_refused_by_name() => Fixture.Run(async () =>
    {
        await AddAllAsync("driver=any-role,role=data,node-name=n,file.driver=memory,file.filename=disk,file.node-name=file");
        await AssertRefusedAsync("Cannot change the option 'role'", Reopen("n", "role=image"));
        await AssertRefusedAsync("Cannot change the option 'driver'", Reopen("n", "driver=raw"));
        await AssertRefusedAsync("Cannot change the option 'node-name'", Reopen("n", "node-name=other"));
        await AssertRefusedAsync("Cannot change the option 'force-share'", Reopen("n", "force-share=on,read-only=on"));
        await AssertRefusedAsync("Cannot change the option 'nonsense'", Reopen("n", "nonsense=1"));
        await AssertRefusedAsync("Option 'role' cannot be reset to its default value", GraphEdit.Reopen(GraphFixture.Options("driver=any-role,node-name=n")));
        await AssertRefusedAsync("Option 'driver' cannot be reset to its default value", GraphEdit.Reopen(GraphFixture.Options("node-name=n")));
        await AssertRefusedAsync("Cannot find device='' nor node-name='nobody'", Reopen("n", "file=nobody"));
        await AssertRefusedAsync("Failed to find node with node-name='nobody'", GraphEdit.Reopen(GraphFixture.Options("driver=any-role,node-name=nobody")));
        await AssertRefusedAsync("node-name not specified", GraphEdit.Reopen(GraphFixture.Options("driver=any-role")));
        await AssertRefusedAsync("Invalid discard option", Reopen("n", "discard=maybe"));
        await ApplyAsync(Reopen("n", "role=data,file=file,driver=any-role,node-name=n,force-share=off"));
        Assert.That(LabelOf("n"), Is.EqualTo("none"), "what stays the same may be said");
    });

    [Test]
    public void S37_A_request_in_flight_ends_before_the_change_and_one_made_meanwhile_comes_after_it() => Fixture.Run(async () =>
    {
        // blk -> top -> old (a read is pending)    =>    blk -> top -> new
        await AddAllAsync("driver=scripted,node-name=old|driver=scripted,node-name=new|driver=any-role,node-name=top,file=old");
        BlockBackend blk = await BackendAsync(Node("top"));
        Task before = blk.ReadAsync(0, new byte[1]).AsTask();
        Fixture.Roles.Log.Clear();
        Task change = ApplyAsync(Reopen("top", "file=new,label=new"));
        await SettleAsync();
        Task meanwhile = blk.WriteAsync(512, new byte[1]).AsTask();
        await SettleAsync();
        Assert.That((change.IsCompleted, meanwhile.IsCompleted), Is.EqualTo((false, false)), "both wait");
        Assert.That(Fixture.Roles.Log, Has.None.Contains("reopen"), "the driver has heard of nothing");
        Assert.That((LabelOf("top"), Node("top").FileChild!.Node.Name), Is.EqualTo(("none", "old")), "nothing has changed");
        Assert.That(Fixture.Scripted.Pending.Select(p => p.ToString()), Is.EqualTo(new[] { "Read 0+1 at 'old'" }), "and nothing was sent");
        Fixture.Scripted.Pending.Single().Succeed();
        await change;
        Assert.That(before.IsCompletedSuccessfully, Is.True, "the read was over first");
        Assert.That((LabelOf("top"), Node("top").FileChild!.Node.Name), Is.EqualTo(("new", "new")), "then all of it has");
        await SettleAsync();
        Assert.That(Fixture.Scripted.Pending.Select(p => p.ToString()), Is.EqualTo(new[] { "Write 512+1 at 'new'" }), "the write comes to the new child");
        Fixture.Scripted.Pending.Single().Succeed();
        await meanwhile;
        Assert.That(World.Nodes.Select(n => n.QuiesceCount), Has.All.Zero, "nothing is drained");
    });

    [Test]
    public void S38_A_node_that_is_listed_twice_is_refused() => Fixture.Run(async () =>
    {
        await AddAllAsync(TwoChains);
        OptionsDictionary options = GraphFixture.Options("driver=any-role,node-name=one,label=x");
        await AssertRefusedAsync("Node 'one' is listed twice", GraphEdit.Reopen(options, options));
        await AssertRefusedAsync("Node 'one' is listed twice", Reopen("one", "label=x"), Reopen("one", "label=y"));
    });

    [Test]
    public void A_child_that_inherits_follows_its_parent() => Fixture.Run(async () =>
    {
        // top -> mid -> bottom, all inline; then with mid named by reference
        await AddAllAsync("driver=any-role,node-name=top,file.driver=any-role,file.role=filtered,file.node-name=mid,file.label=own,file.file.driver=any-role,file.file.role=filtered,file.file.node-name=bottom,file.file.file.driver=null-co|driver=memory,filename=x,node-name=x");
        await ApplyAsync(Reopen("top", "read-only=on"));
        Assert.That(new[] { "top", "mid", "bottom" }.Select(n => Node(n).IsReadOnly), Has.All.True, "read-only all the way down");
        await ApplyAsync(Reopen("top", "file.label=new"));
        Assert.That((LabelOf("mid"), Node("mid").IsReadOnly), Is.EqualTo(("new", true)), "options for the child reach it");
        await ApplyAsync(GraphEdit.Reopen(GraphFixture.Options("driver=any-role,node-name=top")));
        Assert.That(new[] { "top", "mid", "bottom" }.Select(n => Node(n).IsReadOnly), Has.All.False, "the default as well");
        Assert.That(LabelOf("mid"), Is.EqualTo("new"), "a child that is not spoken of keeps what is its own");
        await AssertRefusedAsync("Option 'driver' cannot be reset to its default value", GraphEdit.Reopen(GraphFixture.Options("driver=any-role,node-name=top,file.label=x")));
    });

    protected override GraphFixture CreateFixture() => new(drivers: [new Drivers.Protocols.Null.NullCoDriver(), .. FormatDrivers]);

    private async Task AddAllAsync(string nodes)
    {
        foreach (string options in nodes.Split('|'))
        {
            await Fixture.AddAsync(options);
        }
    }

    private GraphEdit Reopen(string name, string changes) => GraphEdit.Reopen(Node(name), GraphFixture.Options(changes));

    // The first byte of each.
    private static async Task<byte[]> ReadClustersAsync(BlockBackend blk)
    {
        byte[] all = new byte[4 * Cluster];
        await blk.ReadAsync(0, all);
        return [.. Enumerable.Range(0, 4).Select(i => all[i * Cluster])];
    }

    private string LabelOf(string name) => ((RoleDriver.RoleInstance)Node(name).Instance).Label;
}
