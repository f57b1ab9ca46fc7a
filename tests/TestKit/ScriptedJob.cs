using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.TestKit;

/// <summary>
/// A job that does what the test tells it to. Its body goes round: it takes the next step that it was given, reads a little where it has been told to,
/// and rests. Every call of the frame is written down.
/// </summary>
public sealed class ScriptedJob : BlockJob
{
    private readonly Lock _lock = new();
    private readonly Queue<Func<JobTask>> _steps = [];
    private volatile bool _isFinished;

    /// <summary>A job that exists from <see cref="NewAsync"/> on; tests of what does not exist yet construct it themselves.</summary>
    public ScriptedJob(NodeGraph graph, JobOptions options)
        : base(graph, options)
    {
    }

    /// <inheritdoc/>
    public override string TypeName => "scripted";

    /// <summary>What the frame called, in order: <c>run</c>, <c>prepare</c>, <c>commit</c>, <c>abort</c>, <c>clean</c>, <c>user-pause</c>, <c>user-resume</c>, <c>speed 7</c>, <c>soft-cancel</c>, <c>completing</c>.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>How many rounds the body has begun.</summary>
    public int RoundCount { get; private set; }

    /// <summary>How often the body found itself on another context than the job's.</summary>
    public int StrayCount { get; private set; }

    /// <summary>The contexts that the body has run on, each once, in order.</summary>
    public List<AioContext> Homes { get; } = [];

    /// <summary>How long the body sleeps after a round, in nanoseconds; null: until it is told something.</summary>
    public long? RoundNs { get; set; }

    /// <summary>How many bytes the body reads from its first node in each round.</summary>
    public int ReadLengthBytes { get; set; }

    /// <summary>In which states a soft cancellation makes the body end well; in the others it is one by force.</summary>
    public Func<JobState, bool> CancelsSoftlyIn { get; set; } = _ => false;

    /// <summary>What the body was given to be cancelled by.</summary>
    public CancellationToken BodyCancel { get; private set; }

    /// <summary>True where it can be told to complete.</summary>
    public bool IsCompletable { get; set; } = true;

    /// <summary>What it does to prepare; it may wait, and fail.</summary>
    public Func<CancellationToken, Task> Preparing { get; set; } = _ => Task.CompletedTask;

    /// <summary>What it does when it is told to complete.</summary>
    public Func<Task> Completing { get; set; } = () => Task.CompletedTask;

    /// <summary>What it does when it commits.</summary>
    public Action Committing { get; set; } = () => { };

    /// <summary>What it does when it aborts.</summary>
    public Action Aborting { get; set; } = () => { };

    /// <summary>What it does to clean.</summary>
    public Func<Task> Cleaning { get; set; } = () => Task.CompletedTask;

    /// <summary>What drains wait for beside its body.</summary>
    public Func<Task<bool>> DrainedPolling { get; set; } = () => Task.FromResult(false);

    /// <summary>Nothing but to read <paramref name="node"/>, with everybody else doing what they like.</summary>
    public static JobNode Reads(BlockNode node, string name = "main node") => new(node, name, new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All));

    /// <summary>Makes a job that is not begun.</summary>
    public static async Task<ScriptedJob> NewAsync(NodeGraph graph, JobOptions options, params IReadOnlyList<JobNode> nodes)
    {
        ScriptedJob job = new(graph, options);
        await job.CreateAsync(nodes);
        return job;
    }

    /// <summary>Makes a job and begins it.</summary>
    public static async Task<ScriptedJob> BeginAsync(NodeGraph graph, JobOptions options, params IReadOnlyList<JobNode> nodes)
    {
        ScriptedJob job = await NewAsync(graph, options, nodes);
        await job.StartAsync();
        return job;
    }

    /// <summary>Has the body take a step of the test's, in the next round.</summary>
    public void Do(Func<JobTask> step)
    {
        lock (_lock)
        {
            _steps.Enqueue(step);
        }

        base.Wake();
    }

    /// <summary>Has the body end well.</summary>
    public void Finish() => Do(() =>
    {
        _isFinished = true;
        return default;
    });

    /// <summary>Has the body wait in <paramref name="gate"/>, busy, and end well when that is opened, without coming to a point of rest.</summary>
    public void FinishAfter(Gate gate) => Do(async () =>
    {
        await gate.PassAsync();
        _isFinished = true;
    });

    /// <summary>Has the body wait in <paramref name="gate"/>, busy, as for a request.</summary>
    public void Hold(Gate gate) => Do(async () => await gate.PassAsync());

    /// <summary>Has the body throw.</summary>
    public void Fail(Exception error) => Do(() => throw error);

    /// <summary>Has the body throw a <see cref="BlockException"/> of <paramref name="kind"/>.</summary>
    public void Fail(BlockErrorKind kind = BlockErrorKind.InputOutput) => Fail(new BlockException(kind, kind.ToErrnoText()));

    /// <summary>Has the body become ready.</summary>
    public void BecomeReady() => Do(base.SetReadyAsync);

    /// <inheritdoc cref="BlockJob.SetReadyAsync"/>
    public JobTask SetReadyHereAsync() => base.SetReadyAsync();

    /// <inheritdoc cref="BlockJob.Wake"/>
    public new void Wake() => base.Wake();

    /// <inheritdoc cref="BlockJob.PausePointAsync"/>
    public new JobTask PausePointAsync() => base.PausePointAsync();

    /// <inheritdoc cref="BlockJob.SleepAsync"/>
    public new JobTask SleepAsync(long delayNs) => base.SleepAsync(delayNs);

    /// <inheritdoc cref="BlockJob.YieldAsync"/>
    public new JobTask YieldAsync() => base.YieldAsync();

    /// <inheritdoc cref="BlockJob.LimitRateAsync"/>
    public new JobTask LimitRateAsync(long bytes) => base.LimitRateAsync(bytes);

    /// <inheritdoc cref="BlockJob.OnMainAsync"/>
    public new JobTask OnMainAsync(Func<Task> action) => base.OnMainAsync(action);

    /// <inheritdoc cref="BlockJob.DrainAsync"/>
    public new JobTask<DrainScope> DrainAsync(BlockNode node, DrainReach reach = DrainReach.Node) => base.DrainAsync(node, reach);

    /// <inheritdoc cref="BlockJob.OnRequestFailedAsync"/>
    public new JobTask<BlockErrorAction> OnRequestFailedAsync(BlockErrorPolicy policy, bool isRead, BlockException error) => base.OnRequestFailedAsync(policy, isRead, error);

    /// <inheritdoc cref="BlockJob.ChangeGraphAsync"/>
    public new Task ChangeGraphAsync(params IReadOnlyList<GraphEdit> edits) => base.ChangeGraphAsync(edits);

    /// <inheritdoc cref="BlockJob.SetPermissionsAsync"/>
    public new Task SetPermissionsAsync(BlockChild edge, PermissionSet permissions) => base.SetPermissionsAsync(edge, permissions);

    /// <inheritdoc cref="BlockJob.ReleaseNodesAsync"/>
    public new Task ReleaseNodesAsync() => base.ReleaseNodesAsync();

    /// <inheritdoc cref="BlockJob.BeginWork"/>
    public new void BeginWork() => base.BeginWork();

    /// <inheritdoc cref="BlockJob.EndWork"/>
    public new void EndWork() => base.EndWork();

    /// <inheritdoc/>
    protected override bool CanComplete => IsCompletable;

    /// <inheritdoc/>
    protected override async JobTask RunAsync(CancellationToken cancel)
    {
        Calls.Add("run");
        BodyCancel = cancel;
        while (!_isFinished && !IsCancelRequested)
        {
            RoundCount++;
            await WorkAsync(cancel);
            Look();
        }
    }

    /// <inheritdoc/>
    protected override Task PrepareAsync(CancellationToken cancel)
    {
        Calls.Add("prepare");
        Invariant.Check(Graph.MainContext.IsHome);
        return Preparing(cancel);
    }

    /// <inheritdoc/>
    protected override void Commit()
    {
        Calls.Add("commit");
        Committing();
    }

    /// <inheritdoc/>
    protected override void Abort()
    {
        Calls.Add("abort");
        Aborting();
    }

    /// <inheritdoc/>
    protected override Task CleanAsync()
    {
        Calls.Add("clean");
        return Cleaning();
    }

    /// <inheritdoc/>
    protected override bool TryCancelSoftly()
    {
        Calls.Add("soft-cancel");
        return CancelsSoftlyIn(State);
    }

    /// <inheritdoc/>
    protected override async Task OnCompletingAsync()
    {
        Calls.Add("completing");
        await Completing();
        _isFinished = true;
    }

    /// <inheritdoc/>
    protected override void OnUserPaused() => Calls.Add("user-pause");

    /// <inheritdoc/>
    protected override void OnUserResuming() => Calls.Add("user-resume");

    /// <inheritdoc/>
    protected override void OnSpeedChanged(long speedBytesPerSecond) => Calls.Add($"speed {speedBytesPerSecond}");

    /// <inheritdoc/>
    protected override Task<bool> DrainedPollAsync() => DrainedPolling();

    // A method of its own, so that there is one awaiting another whenever the job rests.
    private async JobTask WorkAsync(CancellationToken cancel)
    {
        Look();
        Func<JobTask>? step;
        lock (_lock)
        {
            _steps.TryDequeue(out step);
        }

        if (step is not null)
        {
            await step();
            return;
        }

        if (ReadLengthBytes > 0)
        {
            await Edges[0].ReadAsync(0, new byte[ReadLengthBytes], RequestFlags.None, cancel);
            Look();
            Progress.Advance(ReadLengthBytes);
            await LimitRateAsync(ReadLengthBytes);
        }

        await (RoundNs is { } sleepNs ? SleepAsync(sleepNs) : YieldAsync());
        Look();
    }

    private void Look()
    {
        if (!Context.IsHome)
        {
            StrayCount++;
        }

        if (!Homes.Contains(Context))
        {
            Homes.Add(Context);
        }
    }
}

/// <summary>Where a test has something wait until it lets it through.</summary>
public sealed class Gate
{
    private readonly CoQueue _waiting = new();
    private bool _isOpen;

    /// <summary>How many wait now.</summary>
    public int WaitingCount => _waiting.Count;

    /// <summary>Waits until it is open.</summary>
    public async Task PassAsync()
    {
        if (!_isOpen)
        {
            await _waiting.WaitAsync();
        }
    }

    /// <summary>Lets everybody through, those to come as well.</summary>
    public void Open()
    {
        _isOpen = true;
        _waiting.WakeAll();
    }
}
