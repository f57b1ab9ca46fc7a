using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>
/// Work on nodes that goes on beside their users: it can be watched, paused, slowed down, cancelled, and made final or taken back with a group.
/// <i>QEMU: Job and BlockJob.</i>
/// </summary>
/// <remarks>
/// An author derives from it, writes <see cref="RunAsync"/> and whatever else is protected and virtual here, and offers a method that constructs it,
/// awaits <see cref="CreateAsync"/> and calls <see cref="StartAsync"/>. docs/jobs.md says the rest.
/// <para>
/// Invariants: (1) everything but the body is decided on the main context; the body runs where the job's nodes are at home, and comes to the main
/// context to rest; (2) while the job is drained and not cancelled by force its body does not run; (3) the nodes, their blockers and the timer are let go before
/// the job is concluded, however it ends.
/// </para>
/// </remarks>
public abstract partial class BlockJob : IRootParent
{
    private readonly CoQueue _over = new();
    private readonly CancellationTokenSource _cancellation = new();
    private readonly Queue<JobEvent> _untold = new();
    private JobStateMachine _machine;
    private Exception? _bug;
    private bool _isWithinWalk;

    /// <summary>A job in <paramref name="graph"/>; it exists from <see cref="CreateAsync"/> on.</summary>
    protected BlockJob(NodeGraph graph, JobOptions options)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(options);
        Graph = graph;
        Options = options;
        Context = graph.MainContext;
        _group = options.Group ?? new JobTransaction();
        _work = new InFlightCounter(graph);
    }

    /// <summary>The graph that it works on.</summary>
    public NodeGraph Graph { get; }

    /// <summary>What its user said.</summary>
    public JobOptions Options { get; }

    /// <summary>What commands find it by.</summary>
    public string Id { get; private set; } = string.Empty;

    /// <summary>The kind of job: <c>stream</c>, <c>commit</c>, <c>mirror</c>, <c>backup</c>.</summary>
    public abstract string TypeName { get; }

    /// <summary>Where it stands. It changes on the main context.</summary>
    public JobState State => _machine.State;

    /// <summary>How far it is.</summary>
    public JobProgress Progress { get; } = new();

    /// <summary>How fast it may work, in bytes per second; 0 for no limit.</summary>
    public long SpeedBytesPerSecond => _rateLimit.SpeedBytesPerSecond;

    /// <summary>What it has failed with; null where it has not, or not yet. One that was cancelled has <see cref="BlockErrorKind.Cancelled"/>.</summary>
    public BlockException? Error { get; private set; }

    /// <summary>Whether an error has made it rest.</summary>
    public BlockIoStatus IoStatus { get; private set; }

    /// <inheritdoc/>
    public string Description => $"{TypeName} job '{Id}'";

    /// <summary>True where it was told to end, softly or by force. Any thread.</summary>
    public bool IsCancelRequested => _isCancelRequested;

    /// <summary>True where it must end without effect, and its body at its next rest. Any thread.</summary>
    public bool IsForceCancelled => _isForceCancelled;

    /// <summary>Everything that lists of jobs show. Main context.</summary>
    internal JobInfo Info => new(
        Id, TypeName, State, Progress.OffsetBytes, Progress.LengthBytes, SpeedBytesPerSecond, IsBusy, PauseCount > 0, IoStatus, Options.AutoFinalize, Options.AutoDismiss, Error);

    /// <summary>What the job is doing, of one moment. Any thread.</summary>
    public Task<JobInfo> QueryAsync() => Graph.MainContext.RunAsync(() => Task.FromResult(Info));

    /// <summary>Waits until the job is over. Any thread.</summary>
    /// <exception cref="BlockException">It has failed, or was cancelled.</exception>
    public Task WaitAsync() => Graph.MainContext.RunAsync(async () =>
    {
        await WaitUntilOverAsync();
        if ((_bug ?? Error) is { } failure)
        {
            throw failure;
        }
    });

    /// <summary>Cancels the job by force, waits until it is over, and dismisses it. The closing of its graph does so. Any thread, but not from within the job.</summary>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return new ValueTask(InTurnAsync(CloseAsync));
    }

    /// <summary>
    /// The work itself, on the job's context: <see cref="AioContext.Current"/> is <see cref="Context"/> whenever it runs. It must come to a point of rest often:
    /// drains wait for that. It is over when it returns or throws.
    /// </summary>
    /// <param name="cancel">Cancelled where the job is cancelled by force: the next point of rest throws it, and requests may be given it.</param>
    protected abstract JobTask RunAsync(CancellationToken cancel);

    /// <summary>
    /// Does what may still fail before the work is final, when every member of the group is done. Main context; it may wait, and change the graph with
    /// <see cref="ChangeGraphAsync"/>. Throw a <see cref="BlockException"/> to have the whole group aborted.
    /// </summary>
    protected virtual Task PrepareAsync(CancellationToken cancel) => Task.CompletedTask;

    /// <summary>Makes the work final. It cannot fail. Main context.</summary>
    protected virtual void Commit()
    {
    }

    /// <summary>Takes the work back, whether or not it was prepared, or begun. It cannot fail. Main context.</summary>
    protected virtual void Abort()
    {
    }

    /// <summary>Puts the graph in order, after either: takes filters out, thaws what was frozen. It may wait, and cannot fail. Main context.</summary>
    protected virtual Task CleanAsync() => Task.CompletedTask;

    /// <summary>A user wants the job to end. True where its body will see to it in its own way and end well; otherwise it is cancelled by force. Main context.</summary>
    protected virtual bool TryCancelSoftly() => false;

    /// <summary>True for a job that becomes ready and can be told to complete.</summary>
    protected virtual bool CanComplete => false;

    /// <summary>A user wants the job, which is ready, to finish: tell the body, which is woken afterwards. Main context.</summary>
    /// <exception cref="BlockException">It cannot.</exception>
    protected virtual Task OnCompletingAsync() => Task.CompletedTask;

    /// <summary>A user, or an error, has paused the job. Main context.</summary>
    protected virtual void OnUserPaused()
    {
    }

    /// <summary>A user is about to resume the job. Main context.</summary>
    protected virtual void OnUserResuming()
    {
    }

    /// <summary>The job may work at another speed from now on. Main context.</summary>
    protected virtual void OnSpeedChanged(long speedBytesPerSecond)
    {
    }

    /// <summary>
    /// Completes, on the main context, when nothing of the job's is under way that neither its body nor <see cref="BeginWork"/> stands for; true where it
    /// had to wait. Asked in a drain, while the body rests.
    /// </summary>
    protected virtual Task<bool> DrainedPollAsync() => s_notBusy;

    private void MoveTo(JobState next)
    {
        bool isSame = next == State;
        _machine.MoveTo(next);
        if (!isSame)
        {
            Tell(new JobStatusChanged(Id, next.ToText()));
        }
    }

    private void Tell(JobEvent what)
    {
        _untold.Enqueue(what);
        if (!_isWithinWalk)
        {
            TellAll();
        }
    }

    private void TellAll()
    {
        while (_untold.TryDequeue(out JobEvent? next))
        {
            Graph.Events.Publish(next);
        }
    }

    private async Task WaitUntilOverAsync()
    {
        while (State is not (JobState.Concluded or JobState.Null))
        {
            await _over.WaitAsync();
        }
    }

    // Something that must not fail has failed: the job goes on to its end, and whoever waits for it hears of it.
    private void Report(Exception bug)
    {
        _bug ??= bug;
        Error ??= new BlockException(BlockErrorKind.InputOutput, $"{Description} has a bug: {bug.Message}", bug);
        Graph.Events.Publish(new BlockWarning($"{Description} has a bug: {bug.Message}"));
    }
}
