using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;
using BlockGraph.Tools.GraphView;
using BlockGraph.Tools.Plan;

namespace BlockGraph.Tools.Tests;

/// <summary>
/// Every word of the grammar, over a graph that has something for each; after each plan the graph is what it was.
/// <code>
///  disk -> top (filter) -> overlay -> store            fan -> one            fresh -> fresh-store       spare
///                             `-> mid (filter) -> base
/// </code>
/// </summary>
[TestFixture]
internal sealed class PlanWordTests
{
    private GraphFixture _fixture = null!;
    private BlockBackend _disk = null!;

    [SetUp]
    public void OpenGraph()
    {
        _fixture = new GraphFixture(drivers: [new FanDriver()]);
        _fixture.Run(async () =>
        {
            await _fixture.AddAsync("driver=memory,filename=base,node-name=base");
            await _fixture.AddAsync("driver=pass-through,node-name=mid,file=base");
            await _fixture.AddAsync("driver=any-role,node-name=overlay,role=data,backing=mid,file.driver=memory,file.filename=store,file.node-name=store");
            _disk = await _fixture.OpenAsync("driver=pass-through,node-name=top,file=overlay", new BackendOptions { Name = "disk", AllowsContextChange = true });
            await _fixture.AddAsync("driver=memory,filename=spare,node-name=spare");
            await _fixture.AddAsync("driver=fan,node-name=fan,one.driver=memory,one.filename=one,one.node-name=one");
            await _fixture.AddAsync("driver=any-role,node-name=fresh,role=data,file.driver=memory,file.filename=fresh,file.node-name=fresh-store");
        });
    }

    [TearDown]
    public void CloseGraph() => _fixture.Dispose();

    [TestCase("replace mid by spare", "Redirected node 'overlay' backing: mid -> spare; Permissions node 'mid' file: base -> base")]
    [TestCase(
        "replace disk by spare",
        "Redirected block device 'disk' root: top -> spare; Permissions node 'top' file: overlay -> overlay; Permissions node 'overlay' file: store -> store; Permissions node 'overlay' backing: mid -> mid; Permissions node 'mid' file: base -> base")]
    [TestCase("replace base by spare strictly", "Redirected node 'mid' file: base -> spare")]
    [TestCase("insert-filter driver=pass-through,node-name=new over mid", "Added node 'new' file: - -> mid; Redirected node 'overlay' backing: mid -> new")]
    [TestCase("insert-filter pass-through,node-name=new over mid", "Added node 'new' file: - -> mid; Redirected node 'overlay' backing: mid -> new")]
    [TestCase(
        "append {\"driver\": \"any-role\", \"node-name\": \"new\", \"role\": \"data\", \"file\": {\"driver\": \"memory\", \"filename\": \"a b\", \"node-name\": \"s\"}} over top",
        "Added node 'new' backing: - -> top; Added node 'new' file: - -> s; Redirected block device 'disk' root: top -> new; Permissions node 'top' file: overlay -> overlay; Permissions node 'overlay' file: store -> store")]
    [TestCase("  append\tdriver=pass-through,node-name=new   over  mid ", "Added node 'new' file: - -> mid; Redirected node 'overlay' backing: mid -> new")]
    [TestCase("overlay fresh over spare", "Added node 'fresh' backing: - -> spare")]
    [TestCase("drop-filter mid", "Removed node 'mid' file: base -> -; Redirected node 'overlay' backing: mid -> base")]
    [TestCase("drop-intermediate mid to base", "Redirected node 'overlay' backing: mid -> base; Permissions node 'mid' file: base -> base")]
    [TestCase("drop-intermediate mid to base as a name with blanks", "Redirected node 'overlay' backing: mid -> base; Permissions node 'mid' file: base -> base")]
    [TestCase("set-backing overlay to spare", "Redirected node 'overlay' backing: mid -> spare; Permissions node 'mid' file: base -> base")]
    [TestCase("set-backing overlay to none", "Removed node 'overlay' backing: mid -> -; Permissions node 'mid' file: base -> base")]
    [TestCase("add-child fan spare", "Added node 'fan' children.1: - -> spare")]
    [TestCase("remove-child fan one", "Removed node 'fan' one: one -> -")]
    [TestCase("freeze overlay to base", "Frozen node 'mid' file: base -> base; Frozen node 'overlay' backing: mid -> mid")]
    [TestCase("move mid to context io0", "")]
    [TestCase("attach-backend spare", "Added block device 'new' root: - -> spare")]
    [TestCase("attach-backend spare as second read-only", "Added block device 'second' root: - -> spare")]
    [TestCase("detach-backend disk", "Removed block device 'disk' root: top -> -; Permissions node 'top' file: overlay -> overlay; Permissions node 'overlay' backing: mid -> mid; Permissions node 'overlay' file: store -> store; Permissions node 'mid' file: base -> base")]
    [TestCase("detach-backend top", "Removed block device 'disk' root: top -> -; Permissions node 'top' file: overlay -> overlay; Permissions node 'overlay' backing: mid -> mid; Permissions node 'overlay' file: store -> store; Permissions node 'mid' file: base -> base")]
    [TestCase("set-permissions top read-only", "Permissions block device 'disk' root: top -> top; Permissions node 'top' file: overlay -> overlay; Permissions node 'overlay' file: store -> store")]
    public void A_change_is_planned_and_not_made(string change, string edges)
    {
        GraphPlan plan = PlanOf(change);
        Assert.That(plan.Refusal?.Message, Is.Null, change);
        string[] told = [.. plan.Edges.Select(e => $"{e.Change} {e.Parent} {e.Name}: {e.From ?? "-"} -> {e.To ?? "-"}")];
        Assert.That(told, Is.EquivalentTo(edges.Split("; ", StringSplitOptions.RemoveEmptyEntries)), change);
        Assert.That(plan.Edits, Has.Count.EqualTo(1), "one edit a change");
    }

    [TestCase("reopen fan read-only=on", "Block format 'fan' used by node 'fan' does not support reopening files")]
    [TestCase("replace base by mid strictly", "Should not change 'file' link to 'base'")]
    [TestCase("drop-filter overlay", "Node 'overlay' is not a filter")]
    [TestCase("drop-intermediate base to mid", "Node 'mid' is not below 'base' in its chain")]
    [TestCase("set-backing base to overlay", "Making 'overlay' a backing child of 'base' would create a cycle")]
    [TestCase("set-backing spare to base", "Driver 'memory' of node 'spare' does not support backing files")]
    [TestCase("add-child top spare", "The node top does not support adding a child")]
    [TestCase("add-child fan base", "The node base already has a parent")]
    [TestCase("remove-child fan nothing", "Node 'fan' does not have child 'nothing'")]
    [TestCase("freeze base to top", "Node 'top' is not in the chain of 'base'")]
    [TestCase("move top to context io0", "Node top is associated with a BlockBackend and could be in use (use force=true to override this check)")]
    [TestCase("overlay fresh over mid", "Node 'mid' is busy: node is used as backing hd of 'overlay'")]
    [TestCase("overlay overlay over spare", "The overlay is already in use")]
    [TestCase("append driver=memory,filename=x over spare", "Driver 'memory' is neither a filter nor supports backing files: it cannot be put over node 'spare'")]
    [TestCase(
        "attach-backend store",
        "Permission conflict on node 'store': permissions 'write' are both required by block device 'new' (uses node 'store' as 'root' child) and unshared by node 'overlay' (uses node 'store' as 'file' child).")]
    public void What_the_graph_refuses_is_said_in_its_own_words(string change, string message)
    {
        GraphPlan plan = PlanOf(change);
        Assert.That(plan.IsPossible, Is.False, change);
        Assert.That(plan.Refusal!.Message, Is.EqualTo(message), change);
    }

    [Test]
    public void Several_changes_are_one()
    {
        GraphPlan plan = PlanOf("freeze overlay to base", "drop-filter mid");
        Assert.That((plan.RefusedEdit, plan.Refusal!.Message), Is.EqualTo(((int?)1, "Cannot change 'file' link from 'mid' to 'base'")), "the second meets the first");
        plan = PlanOf("attach-backend spare as a", "attach-backend spare as b");
        Assert.That(plan.Conflict!.Message, Does.Contain("block device 'a'").And.Contain("block device 'b'"), "two new users that conflict with each other");
        plan = PlanOf("move disk to context io0 force", "move spare to context io0", "move fan to context main");
        Assert.That(plan.MovedNodes.Select(m => m.Context).Distinct(), Is.EqualTo(new[] { "io0" }), "one context of that name");
        Assert.That(plan.MovedNodes.Select(m => m.Node), Is.EquivalentTo(new[] { "top", "overlay", "store", "mid", "base", "spare" }), "who moves");
    }

    [TestCase("", "consistent read, write", "consistent read, write unchanged")]
    [TestCase("write", "consistent read, write", "consistent read, write unchanged")]
    [TestCase("resize", "consistent read, write, resize", "consistent read, write unchanged")]
    [TestCase("read-only", "consistent read", "consistent read, write, write unchanged, resize")]
    [TestCase("read-only share=none", "consistent read", "")]
    [TestCase("may=write+write-unchanged,resize share=all", "write, write unchanged, resize", "consistent read, write, write unchanged, resize")]
    [TestCase("may=none share=consistent-read", "", "consistent read")]
    public void A_new_user_asks_for_what_the_words_say(string words, string required, string shared)
    {
        PermissionSet asked = PlanOf($"attach-backend spare {words}").Edges.Single().After!.Value;
        Assert.That((asked.Required.ToText(), asked.Shared.ToText()), Is.EqualTo((required, shared)), words);
    }

    [TestCase("read-only", "consistent read", "consistent read, write unchanged")]
    [TestCase("resize", "consistent read, write, resize", "consistent read, write unchanged")]
    [TestCase("share=all", "consistent read, write", "consistent read, write, write unchanged, resize")]
    [TestCase("may=consistent-read share=none", "consistent read", "")]
    public void A_user_that_is_there_changes_what_the_words_say(string words, string required, string shared)
    {
        PermissionSet asked = PlanOf($"set-permissions disk {words}").Edges.Single(e => e.Parent == "block device 'disk'").After!.Value;
        Assert.That((asked.Required.ToText(), asked.Shared.ToText()), Is.EqualTo((required, shared)), words);
        Assert.That(_disk.Permissions.Required, Is.EqualTo(BlockPermissions.ConsistentRead | BlockPermissions.Write), "it asks for what it asked for");
    }

    [TestCase("detach-backend base", "Node 'base' is used by no backend itself")]
    [TestCase("set-permissions ghost write", "Cannot find device='ghost' nor node-name='ghost'")]
    [TestCase("attach-backend spare as disk", "Device with id 'disk' already exists")]
    [TestCase("attach-backend spare as 1st", "Invalid device name")]
    [TestCase("insert-filter driver=any-role,file=spare over base", "Driver 'any-role' is not a filter")]
    [TestCase("insert-filter driver=nothing over base", "Unknown driver 'nothing'")]
    [TestCase("append pass-through,help over base", "Help is not available for this option")]
    [TestCase("reopen base ?", "Help is not available for this option")]
    [TestCase("replace bsae by spare", "Cannot find device='bsae' nor node-name='bsae'")]
    public void What_a_change_names_must_be_there(string change, string error)
    {
        string before = Json();
        BlockException? failure = null;
        _fixture.Run(async () => failure = await Failure.OfAsync(async () =>
        {
            await using PlanWorld world = new(_fixture.Graph);
            await Change.Parse(change).MakeEditAsync(world);
        }));
        Assert.That(failure!.Message, Is.EqualTo($"'{change}': {error}"), change);
        Assert.That(Json(), Is.EqualTo(before), "the graph is as before");
        Assert.That(_fixture.Graph.Roots, Has.Count.EqualTo(1), "no backend is left");
    }

    [Test]
    public void A_user_is_meant_by_a_node_only_where_it_is_the_only_one()
    {
        _fixture.Run(async () =>
        {
            BlockNode spare = _fixture.Graph.FindNode("spare")!;
            await using BlockBackend first = await _fixture.Graph.AttachBackendAsync(spare, new BackendOptions { ReadOnly = true });
            await using BlockBackend second = await _fixture.Graph.AttachBackendAsync(spare, new BackendOptions { ReadOnly = true, Name = "new" });
            await using BlockBackend empty = await _fixture.Graph.CreateBackendAsync(new BackendOptions { Name = "empty" });
            await using PlanWorld world = new(_fixture.Graph);
            Assert.That(Assert.Throws<BlockException>(() => world.UserEdge("spare"))!.Message, Is.EqualTo("Node 'spare' is used by 2 backends: give the name of one"), "which?");
            Assert.That(Assert.Throws<BlockException>(() => world.UserEdge("empty"))!.Message, Is.EqualTo("Device 'empty' has no medium"), "none");
            Assert.That(world.UserEdge("new").Parent, Is.SameAs(second), "by its name");
            BlockBackend made = await world.CreateBackendAsync(new BackendOptions(), world.Context("main"));
            Assert.That(made.Name, Is.EqualTo("new2"), "a name that is free");
            Assert.That(world.Context("main"), Is.SameAs(_fixture.Graph.MainContext), "a context that is there");
            AioContext thread = world.Context("io0");
            Assert.That(world.Context("io0"), Is.SameAs(thread), "one that is made, once");
        });
    }

    private GraphPlan PlanOf(params string[] changes)
    {
        string before = Json();
        GraphPlan? plan = null;
        _fixture.Run(async () =>
        {
            await using PlanWorld world = new(_fixture.Graph);
            List<GraphEdit> edits = [];
            foreach (string change in changes)
            {
                edits.Add(await Change.Parse(change).MakeEditAsync(world));
            }

            plan = await _fixture.Graph.PlanAsync(edits);
        });
        Assert.That(Json(), Is.EqualTo(before), "the graph is as before");
        Assert.That(_fixture.Graph.Roots, Has.Count.EqualTo(1), "so are its users");
        Assert.That(_fixture.Graph.Nodes.Select(n => n.QuiesceCount), Is.All.Zero, "nothing is drained");
        return plan!;
    }

    private string Json()
    {
        using StringWriter text = new();
        GraphJson.Print(text, _disk);
        return text.ToString();
    }

    /// <summary>Any number of children, the first given as <c>one</c>.</summary>
    private sealed class FanDriver : BlockDriver
    {
        public override string Name => "fan";

        public override string Summary => "any number of children, for tests";

        public override DriverCategory Category => DriverCategory.Composite;

        public override bool HasVariableChildren => true;

        public override OptionSchema Options { get; } = new(new OptionDefinition("one", OptionType.Child, "the first child") { IsRequired = true });

        public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
        {
            await context.OpenChildAsync("one", ChildRole.Data);
            return new Instance();
        }

        private sealed class Instance : BlockDriverInstance
        {
            protected override long GetLengthBytes() => 512;

            protected override (string Name, ChildRole Role) DescribeNewChild(BlockNode child, int earlierCount) => ($"children.{Node.Children.Count + earlierCount}", ChildRole.Data);

            protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => default;
        }
    }
}
