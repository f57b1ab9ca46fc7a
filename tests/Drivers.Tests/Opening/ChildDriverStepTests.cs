using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.Drivers.Filters.Blkverify;
using BlockGraph.Drivers.Filters.Preallocate;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Opening;

/// <summary>Drivers with children of other kinds fail at every step of their opening, and are cancelled there, and leave nothing: no node, no open storage.</summary>
[TestFixture("driver=quorum,vote-threshold=2,children.0.driver=memory,children.0.filename=a,children.1.driver=raw,children.1.file.driver=memory,children.1.file.filename=b,children.2.driver=memory,children.2.filename=c", 18)]
[TestFixture("driver=blkdebug,config=CONFIG,inject-error.0.event=l2_load,align=512,image.driver=memory,image.filename=a", 12)]
[TestFixture("driver=blkverify,raw.driver=memory,raw.filename=a,test.driver=raw,test.file.driver=memory,test.file.filename=b", 14)]
[TestFixture("driver=preallocate,prealloc-size=1M,file.driver=raw,file.file.driver=memory,file.file.filename=a", 10)]
public sealed class ChildDriverStepTests(string example, int stepCountMin)
{
    private readonly List<string> _steps = [];
    private Action<int> _onStep = _ => { };
    private GraphFixture _fixture = null!;
    private string _options = "";

    [SetUp]
    public void SetUp()
    {
        string config = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"steps-{TestContext.CurrentContext.Test.ID}.conf");
        File.WriteAllText(config, "[set-state]\nevent = \"l2_load\"\nnew_state = \"2\"\n");
        _options = example.Replace("CONFIG", config, StringComparison.Ordinal);
        _fixture = new GraphFixture(
            null,
            [new QuorumDriver(), new BlkdebugDriver(), new BlkverifyDriver(), new PreallocateDriver(), new RawDriver()],
            new NodeGraphOptions
            {
                StepHook = name =>
                {
                    _steps.Add(name);
                    _onStep(_steps.Count - 1);
                },
            });
    }

    [TearDown]
    public void TearDown()
    {
        _fixture.Dispose();
        foreach (string file in Directory.GetFiles(TestContext.CurrentContext.WorkDirectory, $"steps-{TestContext.CurrentContext.Test.ID}.conf"))
        {
            File.Delete(file);
        }
    }

    [Test]
    public void A_failure_at_any_step_leaves_nothing() => _fixture.Run(async () =>
    {
        int stepCount = await CountStepsAsync();
        for (int failing = 0; failing < stepCount; failing++)
        {
            string text = $"step {failing} fails";
            Arm(i => { if (i == failing) { throw new BlockException(text); } });
            Assert.That((await Failure.OfAsync(OpenAsync)).Message, Is.EqualTo(text), "why");
            AssertNothingIsLeft($"{text} ('{_steps[failing]}')");
        }

        Arm(_ => { });
        await (await OpenAsync()).DisposeAsync();
        AssertNothingIsLeft("after a success");
    });

    [Test]
    public void Cancelling_at_any_step_leaves_nothing() => _fixture.Run(async () =>
    {
        int stepCount = await CountStepsAsync();
        int cancelledCount = 0;
        for (int step = 0; step < stepCount; step++)
        {
            using CancellationTokenSource source = new();
            Arm(i => { if (i == step) { source.Cancel(); } });
            cancelledCount += await IsCancelledAsync(_fixture.Graph.OpenAsync(KeyvalParser.Parse(_options), cancel: source.Token)) ? 1 : 0;
            AssertNothingIsLeft($"cancelled at step {step} ('{_steps[step]}')");
        }

        Assert.That(cancelledCount, Is.GreaterThan(stepCount / 2), "most steps can be cancelled");
    });

    private async Task<int> CountStepsAsync()
    {
        Arm(_ => { });
        await using (await OpenAsync())
        {
            TestContext.Out.WriteLine($"{_steps.Count} steps: {string.Join(", ", _steps)}");
            Assert.That(_steps, Has.Count.GreaterThanOrEqualTo(stepCountMin), "the count of steps must not fall");
            return _steps.Count;
        }
    }

    private void Arm(Action<int> onStep)
    {
        _steps.Clear();
        _onStep = onStep;
    }

    private Task<BlockBackend> OpenAsync() => _fixture.Graph.OpenAsync(KeyvalParser.Parse(_options));

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

    private void AssertNothingIsLeft(string when)
    {
        Assert.That(_fixture.Graph.Nodes, Is.Empty, $"{when}: no node");
        Assert.That(_fixture.Graph.Backends, Is.Empty, $"{when}: no backend");
        foreach (string name in new[] { "a", "b", "c" })
        {
            Assert.That(_fixture.Memory.Storage(name).OpenCount, Is.Zero, $"{when}: storage '{name}' is closed");
        }
    }
}
