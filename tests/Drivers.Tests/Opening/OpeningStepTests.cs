using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Tests.HostFile;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Opening;

/// <summary>
/// The founding example fails at every step of its opening, and is cancelled there, and leaves nothing: no node, lock, descriptor,
/// throttle group or thread.
/// </summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class OpeningStepTests(string engine) : FileDriverFixture(engine)
{
    /// <summary>How many steps there are at present; fewer would mean that some are not looked at any more.</summary>
    private const int StepCountMin = 19;

    private readonly List<string> _steps = [];
    private Action<int> _onStep = _ => { };
    private string _path = "";

    [SetUp]
    public void MakeImage() => _path = MakeFile("a.img", Pattern(1 << 20, seed: 1));

    [Test]
    public void A_failure_at_any_step_leaves_nothing()
    {
        int stepCount = CountSteps();
        NodeGraphOptions options = NewOptions();
        using GraphFixture world = new(null, NewDrivers(), options);
        for (int failing = 0; failing < stepCount; failing++)
        {
            string text = $"step {failing} fails";
            Arm(i => { if (i == failing) { throw new BlockException(text); } });
            world.Run(async () => Assert.That((await RefusedAsync(() => OpenAsync(world.Graph, Example))).Message, Is.EqualTo(text), "why"));
            AssertNothingIsLeft($"{text} ('{_steps[failing]}')", world.Graph, _path);
        }

        Arm(_ => { });
        world.Run(async () => await (await OpenAsync(world.Graph, Example)).DisposeAsync());
        AssertNothingIsLeft("after a success", world.Graph, _path);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_failure_at_any_step_leaves_nothing_on_real_threads(CancellationToken cancel)
    {
        int stepCount = CountSteps();
        using MainLoop loop = MainLoop.Start(Platform);
        await using NodeGraph graph = new(loop, NewDrivers(), NewOptions());
        Arm(_ => { });
        await (await graph.OpenAsync(CommandOptions.Read(Example), cancel: cancel)).DisposeAsync();
        string[] threads = OwnThreads();
        for (int failing = 0; failing < stepCount; failing++)
        {
            string text = $"step {failing} fails";
            Arm(i => { if (i == failing) { throw new BlockException(text); } });
            Assert.That((await RefusedAsync(() => OpenAsync(graph, Example))).Message, Is.EqualTo(text), "why");
            AssertNothingIsLeft(text, graph, _path);
            Assert.That(OwnThreads(), Is.EqualTo(threads), $"{text}: no thread but the shared workers");
        }
    }

    [Test]
    public void Cancelling_at_any_step_leaves_nothing()
    {
        int stepCount = CountSteps();
        int lastLook = _steps.FindLastIndex(stepCount - 1, step => step == "prepare edit");
        using GraphFixture world = new(null, NewDrivers(), NewOptions());
        for (int step = 0; step < stepCount; step++)
        {
            using CancellationTokenSource source = new();
            Arm(i => { if (i == step) { source.Cancel(); } });
            bool isCancelled = false;
            world.Run(async () => isCancelled = await IsCancelledAsync(world.Graph.OpenAsync(CommandOptions.Read(Example), cancel: source.Token)));
            Assert.That(isCancelled, Is.EqualTo(step <= lastLook), $"cancelled at step {step} ('{_steps[step]}'); what comes after the last wait commits");
            AssertNothingIsLeft($"cancelled at step {step} ('{_steps[step]}')", world.Graph, _path);
        }

        Assert.That(lastLook, Is.GreaterThan(stepCount / 2), "most steps can be cancelled");
    }

    [Test]
    public void Cancelling_at_any_await_leaves_nothing([Values(1, 2, 3)] int seed)
    {
        int awaitCount = 0;
        for (bool isCancelled = true; isCancelled; awaitCount++)
        {
            using GraphFixture world = new(new SimulationOptions { Seed = seed }, NewDrivers(), NewOptions());
            using CancellationTokenSource source = new();
            Arm(_ => { });
            world.Run(async () =>
            {
                Task<BlockBackend> opening = world.Graph.OpenAsync(CommandOptions.Read(Example), cancel: source.Token);
                for (int i = 0; i < awaitCount && !opening.IsCompleted; i++)
                {
                    await world.Context.DelayAsync(20_000);
                }

                bool isOver = opening.IsCompleted;
                await source.CancelAsync();
                isCancelled = await IsCancelledAsync(opening);
                Assert.That(isCancelled, Is.Not.EqualTo(isOver), $"seed {seed}, instant {awaitCount}: cancelled if it was asked for in time");
            });
            AssertNothingIsLeft($"seed {seed}, instant {awaitCount}", world.Graph, _path);
        }

        Assert.That(awaitCount, Is.GreaterThan(2), $"seed {seed}: the open waits at least twice");
    }

    [TestCase("open")]
    [TestCase("length")]
    [TestCase("read")]
    [TestCase("lock")]
    [TestCase("test lock")]
    public void A_system_that_fails_at_any_call_leaves_nothing(string call)
    {
        if (!IsLinuxEngine && call.EndsWith("lock", StringComparison.Ordinal))
        {
            Assert.Ignore("the portable engine has no byte locks");
        }

        FaultyPlatform platform = new(Platform);
        GraphFixture world = AddWorld(platform: platform);
        int failedCount = 0;
        for (bool isOver = false; !isOver; failedCount++)
        {
            int left = failedCount;
            platform.Fault = (name, _) => { if (name == call && left-- == 0) { throw FaultyPlatform.Broken(); } };
            world.Run(async () => isOver = await IsOpenedAsync(world.Graph));
            AssertNothingIsLeft($"'{call}' number {failedCount} fails", world.Graph, _path);
        }

        Assert.That(failedCount, Is.GreaterThan(1), $"'{call}' is called at least once");
    }

    private string Example => $"driver=throttle,file.filename={_path},limits.iops-total=1000,throttle-group=bar";

    private NodeGraphOptions NewOptions() => new()
    {
        Platform = Platform,
        StepHook = name =>
        {
            _steps.Add(name);
            _onStep(_steps.Count - 1);
        },
    };

    private void Arm(Action<int> onStep)
    {
        _steps.Clear();
        _onStep = onStep;
    }

    private int CountSteps()
    {
        using GraphFixture world = new(null, NewDrivers(), NewOptions());
        int count = 0;
        Arm(_ => { });
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, Example);
            Assert.That(backend.Root!.Children[0].Node.IsProbed, "the filter's inline child is probed");
            count = _steps.Count;
        });
        TestContext.Out.WriteLine($"{count} steps of opening: {string.Join(", ", _steps)}");
        Assert.That(count, Is.GreaterThanOrEqualTo(StepCountMin), "the count of steps must not fall");
        return count;
    }

    private static async Task<bool> IsCancelledAsync(Task<BlockBackend> opening)
    {
        try
        {
            await (await opening).DisposeAsync();
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private async Task<bool> IsOpenedAsync(NodeGraph graph)
    {
        try
        {
            await (await OpenAsync(graph, Example)).DisposeAsync();
            return true;
        }
        catch (BlockException error)
        {
            Assert.That(error.Message, Does.EndWith("Input/output error"), "the system's words");
            return false;
        }
    }

    /// <summary>The threads of this process that are ours and no shared workers, by name.</summary>
    private static string[] OwnThreads() => !Directory.Exists("/proc/self/task") ? [] :
    [
        .. Directory.GetDirectories("/proc/self/task")
            .Select(task => File.Exists(task + "/comm") ? File.ReadAllText(task + "/comm").Trim() : "")
            .Where(name => name == "main-loop" || (name.StartsWith("blockgraph", StringComparison.Ordinal) && !name.StartsWith("blockgraph-wor", StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal),
    ];
}
