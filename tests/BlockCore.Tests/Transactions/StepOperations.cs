using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>Every operation of several steps that changes a graph. Nodes that are opened have names, so that a second attempt looks like the first.</summary>
internal static class StepOperations
{
    /// <summary>The edits, alone and together.</summary>
    public static IReadOnlyList<StepOperation> Edits { get; } =
    [
        new("attach", w => [GraphEdit.Attach(w.Node("top"), w.Node("lone"), "second", ChildRole.None)]) { Covers = ["Attach(parent, child, name, role)"] },
        new("detach", w => [GraphEdit.Detach(w.Node("top").CowChild!)]) { Covers = ["Detach(edge)"] },
        new("set backing", w => [GraphEdit.SetBacking(w.Node("top"), w.Node("lone"))]) { Covers = ["SetBacking(overlay, backing)"] },
        new("take backing away", w => [GraphEdit.SetBacking(w.Node("top"), null)]),
        new("replace", w => [GraphEdit.Replace(w.Node("base"), w.Node("lone"))]) { Covers = ["Replace(from, to, isStrict)"] },
        new("replace strictly", w => [GraphEdit.Replace(w.Node("base"), w.Node("lone"), isStrict: true)]),
        new("append filter", w => [GraphEdit.Append(GraphFixture.Options("driver=pass-through,node-name=new"), w.Node("top"))]) { Covers = ["Append(top, under)"] },
        new("append overlay", w => [GraphEdit.Append(GraphFixture.Options("driver=any-role,node-name=new,file.driver=memory,file.filename=new,file.node-name=new-file"), w.Node("top"))]),
        new("overlay", w => [GraphEdit.Overlay(w.Node("spare"), w.Node("top"))]) { Covers = ["Overlay(overlay, under)"] },
        new("drop filter", w => [GraphEdit.DropFilter(w.Node("flt"))]) { Covers = ["DropFilter(filter)"] },
        new("drop intermediate", w => [GraphEdit.DropIntermediate(w.Node("mid"), w.Node("low"))]) { Covers = ["DropIntermediate(top, bottom, backingFileName)"] },
        new("drop intermediate below a read-only overlay", w => [GraphEdit.DropIntermediate(w.Node("mid"), w.Node("low"), "another name")])
        {
            Arrange = w => w.ApplyAsync(GraphEdit.Reopen(w.Node("over"), GraphFixture.Options("read-only=on"))),
        },
        new("add child", w => [GraphEdit.AddChild(w.Node("quorum"), w.Node("lone"))]) { Covers = ["AddChild(parent, child)"] },
        new("change children", w => [GraphEdit.ChangeChildren(w.Node("quorum"), null, w.Node("lone"))]) { Covers = ["ChangeChildren(parent, childName, node)"] },
        new("remove child", w => [GraphEdit.RemoveChild(w.Node("quorum"), "children.1")]) { Covers = ["RemoveChild(parent, childName)"] },
        new("freeze", w => [GraphEdit.Freeze(w.Node("top"), w.Node("base"))]) { Covers = ["Freeze(top, bottom)"] },
        new("thaw", w => [GraphEdit.Thaw(w.Node("top"), w.Node("base"))])
        {
            Covers = ["Thaw(top, bottom)"],
            Arrange = w => w.ApplyAsync(GraphEdit.Freeze(w.Node("top"), w.Node("base"))),
        },
        new("permissions", w => [GraphEdit.SetPermissions(w.Drive.RootEdge!, new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All))])
        {
            Covers = ["SetPermissions(rootEdge, permissions)"],
        },
        new("more permissions", w => [GraphEdit.SetPermissions(w.Drive.RootEdge!, new PermissionSet(BlockPermissions.All, BlockPermissions.All))]),
        new("move", w => [GraphEdit.Move(w.Node("base"), w.Other, isForced: true)]) { Covers = ["Move(node, context, isForced)"] },
        new("reopen", w => [GraphEdit.Reopen(w.Node("top"), GraphFixture.Options("label=new,file.read-only=off"))]) { Covers = ["Reopen(node, changes, keepsOld)"] },
        new("reopen other children", w => [GraphEdit.Reopen(w.Node("top"), GraphFixture.Options("label=new,file=lone,backing=base"))]),
        new("reopen without backing", w => [GraphEdit.Reopen(w.Node("top"), new() { { "label", "new" }, { "backing", OptionNull.Instance } })]),
        new("reopen many", w =>
        [
            GraphEdit.Reopen(
                GraphFixture.Options("driver=any-role,node-name=top,label=new,backing=flt"),
                GraphFixture.Options("driver=any-role,node-name=spare,label=newer,read-only=on,file.driver=any-role,file.role=filtered,file.label=newest")),
        ])
        {
            Covers = ["Reopen(options)"],
        },
        new("deactivate", w => [GraphEdit.Deactivate(w.Node("top"))]) { Covers = ["Deactivate(node)"] },
        new("deactivate a real format", w => [GraphEdit.Deactivate(w.Node("over"))]),
        new("activate", w => [GraphEdit.Activate(w.Node("top"))]) { Covers = ["Activate(node)"], Arrange = w => w.ApplyAsync(GraphEdit.Deactivate(w.Node("top"))) },
        new("activate a real format", w => [GraphEdit.Activate(w.Node("over"))]) { Arrange = w => w.ApplyAsync(GraphEdit.Deactivate(w.Node("over"))) },
        new("reconsider", w => [GraphEdit.Reconsider(w.Node("top"))]) { Covers = ["Reconsider(node)"], IsInvisible = true },
        new("insert", w => [GraphEdit.Insert(w.Empty, w.Node("lone"))]) { Covers = ["Insert(backend, node)"] },
        new("exchange", w => [GraphEdit.Detach(w.Idle.RootEdge!), GraphEdit.Insert(w.Idle, w.Node("lone"))]),
        new("several", w =>
        [
            GraphEdit.Reopen(w.Node("top"), GraphFixture.Options("label=new")),
            GraphEdit.Replace(w.Node("base"), w.Node("lone")),
            GraphEdit.Append(GraphFixture.Options("driver=pass-through,node-name=new"), w.Node("top")),
            GraphEdit.Move(w.Node("spare"), w.Other),
            GraphEdit.RemoveChild(w.Node("quorum"), "children.0"),
            GraphEdit.DropIntermediate(w.Node("mid"), w.Node("low")),
            GraphEdit.Freeze(w.Node("over"), w.Node("mid")),
        ]),
    ];

    /// <summary>What backends, jobs and the graph itself offer.</summary>
    public static IReadOnlyList<StepOperation> Others { get; } =
    [
        new("open", (w, cancel) => w.Graph.OpenAsync(GraphFixture.Options(Tree), new BackendOptions { Name = "opened" }, cancel)) { IsCancellable = true },
        new("add node", (w, cancel) => w.Graph.AddNodeAsync(GraphFixture.Options(Tree), cancel)) { IsCancellable = true },
        new("probe", (w, cancel) => w.Graph.AddNodeAsync(GraphFixture.Options("filename=memory:image,node-name=probed,file.node-name=probed-file,backing.node-name=probed-backing,backing.file.node-name=probed-deep"), cancel))
        {
            IsCancellable = true,
        },
        new("attach backend", (w, _) => w.Graph.AttachBackendAsync(w.Node("lone"), new BackendOptions { Name = "new" })),
        new("insert a medium", (w, _) => w.Empty.InsertAsync(w.Node("lone"))),
        new("remove a medium", (w, _) => w.Idle.RemoveAsync()) { IsNeverRefused = true },
        new("permissions of a backend", (w, _) => w.Idle.SetPermissionsAsync(new PermissionSet(BlockPermissions.All, BlockPermissions.None))),
        new("copy on read", (w, _) => w.Idle.SetCopyOnReadAsync(true)),
        new("copy on read no longer", (w, _) => w.Idle.SetCopyOnReadAsync(false)) { Arrange = w => w.Idle.SetCopyOnReadAsync(true) },
        new("move a backend", (w, _) => w.Drive.MoveAsync(w.Other)),
        new("add a submitter", (w, _) => w.Drive.AddSubmitterAsync(w.Other)) { IsInvisible = true },
        new("length", (w, cancel) => w.Idle.TruncateAsync(4096, cancel: cancel)) { IsCancellable = true },
        new("start a job", (w, _) => ScriptedJob.BeginAsync(
            w.Graph, new JobOptions { Id = "job" }, new JobNode(w.Node("top"), "source", new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All)), ScriptedJob.Reads(w.Node("lone"), "target"))),
        new("close a backend", (w, _) => w.Idle.DisposeAsync().AsTask()) { IsNeverRefused = true },
        new("remove a node", (w, _) => w.Graph.RemoveNodeAsync("spare")) { IsNeverRefused = true },
        new("remove a node of many children", (w, _) => w.Graph.RemoveNodeAsync("quorum")) { IsNeverRefused = true },
    ];

    // A format over a filter over a node that is there already, with a backing node of its own.
    private const string Tree = "driver=any-role,node-name=a,file.driver=pass-through,file.node-name=b,file.file.driver=any-role,file.file.role=filtered,file.file.node-name=c,file.file.file=lone,"
        + "backing.driver=any-role,backing.node-name=d,backing.file.driver=memory,backing.file.filename=d,backing.file.node-name=e";

    /// <summary>All of them.</summary>
    public static IEnumerable<StepOperation> All => Edits.Concat(Others);
}
