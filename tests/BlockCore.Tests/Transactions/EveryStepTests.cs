using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Scenarios;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>
/// Every change of a running graph, failed and cancelled at each of its steps: the graph, its options, permissions, homes, drains and references are
/// as before, and requests go on; or the step came after the commit, and the change is whole.
/// <code>
///   drive   blk2              lone (nobody's)      spare -> spare-file
///     |      |
///    top -> flt -> base
///     |
///    top-file
/// </code>
/// </summary>
[TestFixture]
public sealed class EveryStepTests
{
    private static readonly (string Name, Func<StepWorld, GraphEdit[]> Edits)[] s_changes =
    [
        ("attach", w => [GraphEdit.Attach(w.Node("top"), w.Node("lone"), "second", ChildRole.None)]),
        ("detach", w => [GraphEdit.Detach(w.Node("top").CowChild!)]),
        ("set backing", w => [GraphEdit.SetBacking(w.Node("top"), w.Node("lone"))]),
        ("replace", w => [GraphEdit.Replace(w.Node("base"), w.Node("lone"))]),
        ("append filter", w => [GraphEdit.Append(GraphFixture.Options("driver=pass-through,node-name=new"), w.Node("top"))]),
        ("append overlay", w => [GraphEdit.Append(GraphFixture.Options("driver=any-role,node-name=new,file.driver=memory,file.filename=new"), w.Node("top"))]),
        ("overlay", w => [GraphEdit.Overlay(w.Node("spare"), w.Node("top"))]),
        ("drop filter", w => [GraphEdit.DropFilter(w.Node("flt"))]),
        ("freeze", w => [GraphEdit.Freeze(w.Node("top"), w.Node("base"))]),
        ("permissions", w => [GraphEdit.SetPermissions(w.Drive.RootEdge!, new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All))]),
        ("move", w => [GraphEdit.Move(w.Node("base"), w.Other, isForced: true)]),
        ("reopen", w => [GraphEdit.Reopen(w.Node("top"), GraphFixture.Options("label=new,file.read-only=off"))]),
        ("reopen other children", w => [GraphEdit.Reopen(w.Node("top"), GraphFixture.Options("label=new,file=lone,backing=base"))]),
        ("deactivate", w => [GraphEdit.Deactivate(w.Node("top"))]),
        ("several", w =>
        [
            GraphEdit.Reopen(w.Node("top"), GraphFixture.Options("label=new")),
            GraphEdit.Replace(w.Node("base"), w.Node("lone")),
            GraphEdit.Append(GraphFixture.Options("driver=pass-through,node-name=new"), w.Node("top")),
            GraphEdit.Move(w.Node("spare"), w.Other),
        ]),
    ];

    private static IEnumerable<string> Names => s_changes.Select(c => c.Name);

    [TestCaseSource(nameof(Names))]
    public void A_change_that_fails_at_any_step_leaves_no_trace(string name) => ForEachStep(name, (world, edits, failing) =>
    {
        world.OnStep = step => { if (step == failing) { throw new BlockException($"step {failing} fails"); } };
        return world.Graph.ApplyAsync(edits);
    });

    [TestCaseSource(nameof(Names))]
    public void A_change_that_is_cancelled_at_any_step_leaves_no_trace(string name) => ForEachStep(name, async (world, edits, failing) =>
    {
        using CancellationTokenSource source = new();
        world.OnStep = step => { if (step == failing) { source.Cancel(); } };
        await world.Graph.ApplyAsync(edits, source.Token);
    });

    [Test]
    public void Going_inactive_and_active_again_fails_cleanly_at_any_step()
    {
        int stepCount = 0;
        for (int failing = -1; failing < stepCount; failing++)
        {
            using StepWorld world = new();
            world.Run(async () =>
            {
                await world.BuildAsync();
                string active = world.Picture();
                await world.Graph.ApplyAsync(GraphEdit.Deactivate(world.Node("top")));
                string inactive = world.Picture();
                world.StepCount = 0;
                world.OnStep = step => { if (step == failing) { throw new BlockException($"step {failing} fails"); } };
                bool hasFailed = await HasFailedAsync(() => world.Graph.ApplyAsync(GraphEdit.Activate(world.Node("top"))));
                stepCount = failing < 0 ? world.StepCount : stepCount;
                Assert.That(world.Picture(), Is.EqualTo(hasFailed ? inactive : active), $"step {failing} of {stepCount}: inactive as before, or active as ever");
                Assert.That(hasFailed, Is.EqualTo(failing >= 0), $"step {failing}: there is none after which it is too late");
                world.OnStep = null;
                if (hasFailed)
                {
                    await world.Graph.ApplyAsync(GraphEdit.Activate(world.Node("top")));
                    Assert.That(world.Picture(), Is.EqualTo(active), $"step {failing}: it can be tried again");
                }
            });
        }

        Assert.That(stepCount, Is.GreaterThan(5), "there are steps");
    }

    private static void ForEachStep(string name, Func<StepWorld, GraphEdit[], int, Task> change)
    {
        Func<StepWorld, GraphEdit[]> makeEdits = Array.Find(s_changes, c => c.Name == name).Edits;
        int stepCount = 0;
        int failedCount = 0;
        string? done = null;
        for (int failing = -1; failing < stepCount; failing++)
        {
            using StepWorld world = new();
            world.Run(async () =>
            {
                await world.BuildAsync();
                string before = world.Picture();
                Task load = world.LoadAsync();
                bool hasFailed = await HasFailedAsync(() => change(world, makeEdits(world), failing));
                world.OnStep = null;
                if (failing < 0)
                {
                    stepCount = world.StepCount;
                    done = world.Picture();
                    Assert.That(done, Is.Not.EqualTo(before), $"{name}: the change can be seen");
                }

                failedCount += hasFailed ? 1 : 0;
                Assert.That(world.Picture(), Is.EqualTo(hasFailed ? before : done), $"{name}: step {failing} of {stepCount}");
                await load;
            });
        }

        TestContext.Out.WriteLine($"{name}: {stepCount} steps, {failedCount} failed");
        Assert.That(failedCount, Is.GreaterThan(0), $"{name}: there are steps that fail");
    }

    private static async Task<bool> HasFailedAsync(Func<Task> change)
    {
        try
        {
            await change();
            return false;
        }
        catch (Exception error) when (error is BlockException or OperationCanceledException)
        {
            return true;
        }
    }

    /// <summary>The graph that is changed, with requests flying through it.</summary>
    private sealed class StepWorld : IDisposable
    {
        private readonly GraphFixture _fixture;

        public StepWorld()
        {
            NodeGraphOptions options = new() { StepHook = _ => OnStep?.Invoke(StepCount++) };
            _fixture = new GraphFixture(new SimulationOptions { Seed = 1 }, graphOptions: options);
            Other = _fixture.World.CreateContext("other");
        }

        public NodeGraph Graph => _fixture.Graph;

        public AioContext Other { get; }

        public BlockBackend Drive { get; private set; } = null!;

        public Action<int>? OnStep { get; set; }

        public int StepCount { get; set; }

        public void Run(Func<Task> body) => _fixture.Run(body);

        public BlockNode Node(string name) => Graph.FindNode(name)!;

        public string Picture() => GraphText.Of(Graph);

        public async Task BuildAsync()
        {
            OnStep = null;
            await _fixture.AddAsync("driver=pass-through,node-name=flt,file.driver=memory,file.filename=base,file.node-name=base,file.latency-ns-max=2000");
            await _fixture.AddAsync("driver=memory,filename=lone,node-name=lone");
            await _fixture.AddAsync("driver=any-role,node-name=spare,file.driver=memory,file.filename=spare,file.node-name=spare-file");
            await _fixture.AddAsync("driver=any-role,node-name=top,file.driver=memory,file.filename=top,file.node-name=top-file,file.latency-ns-max=2000,backing=flt");
            Drive = await Graph.AttachBackendAsync(Node("top"), new BackendOptions { Name = "drive", ShareWrite = true, AllowsContextChange = true });
            await Graph.AttachBackendAsync(Node("flt"), new BackendOptions { ReadOnly = true, AllowsContextChange = true });
            StepCount = 0;
            OnStep = _ => { };
        }

        /// <summary>Reads on both backends while the change is made; none is lost, none fails.</summary>
        public async Task LoadAsync()
        {
            for (int i = 0; i < 40; i++)
            {
                await Task.WhenAll(Graph.Backends.Select(blk => blk.ReadAsync(i * 100, new byte[50]).AsTask()));
            }
        }

        public void Dispose() => _fixture.Dispose();
    }
}
