using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;
using BlockGraph.TestKit.Drawing;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>
/// Changes of a graph over real files, failed at each of their steps: nodes, options and permissions, the descriptors of this process and what the
/// kernel has locked by them are as before, and the change succeeds when it is tried again.
/// <code>
///   blk (writes)                                                     spare -> spare-file
///    |
///   top -> f1        f2          over -> base          lone          shy (writable only while somebody writes)
///                                 |       |             |
///                             over-file  base-file    lone-file
/// </code>
/// </summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileEveryStepTests(string engine) : FileDriverFixture(engine)
{
    private static readonly (string Name, Func<FileEveryStepTests, GraphEdit[]> Change, Func<FileEveryStepTests, GraphEdit[]> Back)[] s_changes =
    [
        ("read-only", t => [t.Reopen("over", "read-only=on")], t => [t.Reopen("over", "read-only=off")]),
        ("writable", t => [t.Reopen("spare", "read-only=off")], t => [t.Reopen("spare", "read-only=on")]),
        ("a writer's file", t => [t.Reopen("top", "file=f2")], t => [t.Reopen("top", "file=f1")]),
        ("a writer's file, and read-only ones", t => [t.Reopen("top", "file=f2"), t.Reopen("over", "read-only=on"), t.Reopen("spare", "read-only=off")],
            t => [t.Reopen("top", "file=f1"), t.Reopen("over", "read-only=off"), t.Reopen("spare", "read-only=on")]),
        ("another backing image", t => [GraphEdit.SetBacking(t.Node("over"), t.Node("lone"))], t => [GraphEdit.SetBacking(t.Node("over"), t.Node("base"))]),
        ("no backing image", t => [t.Reopen("over", "backing=null")], t => [t.Reopen("over", "backing=base")]),
        ("another context", t => [GraphEdit.Move(t.Node("top"), t.World.ContextOf("other"), isForced: true)], t => [GraphEdit.Move(t.Node("top"), t.World.Context, isForced: true)]),
        ("inactive", t => [GraphEdit.Deactivate(t.Node("over"))], t => [GraphEdit.Activate(t.Node("over"))]),
        ("inactive, raw", t => [GraphEdit.Deactivate(t.Node("top"))], t => [GraphEdit.Activate(t.Node("top"))]),
        ("a filter", t => [GraphEdit.Append(GraphFixture.Options("driver=throttle,node-name=new"), t.Node("top"))], t => [GraphEdit.DropFilter(t.Node("new"))]),
        ("fewer permissions", t => [t.Ask(BlockPermissions.ConsistentRead)], t => [t.Ask(BlockPermissions.ConsistentRead | BlockPermissions.Write)]),
        ("no file for writing", t => [GraphEdit.Replace(t.Node("f1"), t.Node("shy"))], t => [GraphEdit.Replace(t.Node("shy"), t.Node("f1"))]),
    ];

    private BlockBackend _blk = null!;

    private static IEnumerable<string> Names => s_changes.Select(c => c.Name);

    [TestCaseSource(nameof(Names))]
    public void A_change_over_files_that_fails_at_any_step_leaves_descriptors_and_locks_as_they_were(string name) => Run(async () =>
    {
        (_, Func<FileEveryStepTests, GraphEdit[]> change, Func<FileEveryStepTests, GraphEdit[]> back) = Array.Find(s_changes, c => c.Name == name);
        await BuildAsync();

        // Once there and back: what has been given for a node stands in the order of a reopen from now on.
        await Graph.ApplyAsync(change(this));
        await Graph.ApplyAsync(back(this));
        await FailEachStepAsync(name, change, back);

        // And the way back, from the other end.
        await Graph.ApplyAsync(change(this));
        await FailEachStepAsync($"{name}, back", back, change);
    });

    [Test]
    public void A_tree_over_files_whose_opening_fails_at_any_step_leaves_no_descriptor_and_no_lock() => Run(async () =>
    {
        MakeImages();
        string path = PathOf("over.img");
        int stepCount = await CountFailuresAsync(
            "open", () => OpenAsync($"driver=cow,node-name=over,file.driver=file,file.filename={path},file.node-name=over-file"), _ => AssertNothingIsLeft("a failed opening", path: path));
        Assert.That(stepCount, Is.GreaterThan(15), "there are steps: two images and two files");
        await Graph.Backends.Single().DisposeAsync();
        AssertNothingIsLeft("closed", path: path);
    });

    // Fails step after step until one round is through without any; then goes back.
    private async Task FailEachStepAsync(string name, Func<FileEveryStepTests, GraphEdit[]> change, Func<FileEveryStepTests, GraphEdit[]> back)
    {
        GraphPicture graph = World.Picture();
        string files = Files();
        int letGoCount = 0;
        int stepCount = await CountFailuresAsync(
            name,
            () => Graph.ApplyAsync(change(this)),
            async step =>
            {
                if (World.Picture().DifferenceFrom(graph).Length > 0 && step.StartsWith("permissions of", StringComparison.Ordinal))
                {
                    // It lets go of something, which nothing keeps it from: the change is made, and is taken back.
                    letGoCount++;
                    await Graph.ApplyAsync(back(this));
                }

                Assert.That(World.Picture().DifferenceFrom(graph), Is.Empty, $"{name}: '{step}' failed: nodes, permissions, locks");
                Assert.That(Files(), Is.EqualTo(files), $"{name}: '{step}' failed: descriptors");
            });
        Assert.That(stepCount - letGoCount, Is.Positive, $"{name}: there are steps that fail");
        Assert.That(World.Picture().DifferenceFrom(graph), Is.Not.Empty, $"{name}: in the end it can be seen");
        await Graph.ApplyAsync(back(this));
        Assert.That(World.Picture().DifferenceFrom(graph), Is.Empty, $"{name}: and it has a way back");
        Assert.That(Files(), Is.EqualTo(files), $"{name}: for descriptors too");
    }

    private Task<int> CountFailuresAsync(string name, Func<Task> operation, Action<string> check) => CountFailuresAsync(name, operation, step =>
    {
        check(step);
        return Task.CompletedTask;
    });

    private async Task<int> CountFailuresAsync(string name, Func<Task> operation, Func<string, Task> checkAsync)
    {
        for (int failing = 0; ; failing++)
        {
            int stepCount = 0;
            string? raised = null;
            World.StepHook = step =>
            {
                if (stepCount++ == failing)
                {
                    raised = step;
                    throw new BlockException($"step {failing}, {step}, fails");
                }
            };
            try
            {
                await operation();
            }
            catch (BlockException) when (raised is not null)
            {
            }

            World.StepHook = null;
            if (raised is null)
            {
                TestContext.Out.WriteLine($"{name}: {failing} steps");
                return failing;
            }

            await checkAsync(raised);
        }
    }

    private BlockNode Node(string name) => Graph.FindNode(name)!;

    private GraphEdit Reopen(string node, string changes)
    {
        OptionsDictionary options = GraphFixture.Options(changes);
        if (options.GetText("backing") == "null")
        {
            options["backing"] = OptionNull.Instance;
        }

        return GraphEdit.Reopen(Node(node), options);
    }

    private GraphEdit Ask(BlockPermissions permissions) => GraphEdit.SetPermissions(_blk.RootEdge!, new PermissionSet(permissions, BlockPermissions.All));

    /// <summary>Of each file, whether each descriptor that is open on it may write.</summary>
    private string Files() => string.Join("; ", new[] { "f1", "f2", "over", "base", "lone", "spare", "shy" }.Select(name => $"{name}: {string.Join(' ', DescriptorsMayWrite(PathOf(name + ".img")).Order())}"));

    private void MakeImages()
    {
        CowImage.Format(PathOf("base.img"), new CowImageOptions(1 << 16));
        CowImage.Format(PathOf("lone.img"), new CowImageOptions(1 << 16));
        CowImage.Format(PathOf("over.img"), new CowImageOptions(1 << 16) { BackingFileName = "base.img", BackingFormat = "cow" });
        foreach (string name in new[] { "f1", "f2", "spare", "shy" })
        {
            MakeFile(name + ".img", Pattern(1 << 16, 1));
        }
    }

    private async Task BuildAsync()
    {
        MakeImages();
        foreach (string name in new[] { "f1", "f2" })
        {
            await AddNodeAsync($"driver=file,node-name={name},filename={PathOf(name + ".img")}");
        }

        await AddNodeAsync($"driver=file,node-name=shy,auto-read-only=on,filename={PathOf("shy.img")}");
        await AddNodeAsync("driver=raw,node-name=top,file=f1");
        await AddNodeAsync($"driver=any-role,node-name=spare,read-only=on,file.driver=file,file.node-name=spare-file,file.filename={PathOf("spare.img")}");
        foreach (string name in new[] { "base", "lone" })
        {
            await AddNodeAsync($"driver=cow,node-name={name},file.driver=file,file.node-name={name}-file,file.filename={PathOf(name + ".img")}");
        }

        await AddNodeAsync($"driver=cow,node-name=over,file.driver=file,file.node-name=over-file,file.filename={PathOf("over.img")},backing=base");
        _blk = await Graph.AttachBackendAsync(Node("top"), new BackendOptions { Name = "blk", Permissions = new PermissionSet(BlockPermissions.ConsistentRead | BlockPermissions.Write, BlockPermissions.All), AllowsContextChange = true });
    }
}
