using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Jobs;

/// <content>The body: what runs it, and what it can do. Its points of rest are in the next part.</content>
public abstract partial class BlockJob
{
    private readonly JobRateLimit _rateLimit = new();
    private readonly InFlightCounter _work;
    private readonly CoQueue _bodyEnded = new();
    private bool _isStarted;
    private bool _hasBodyEnded;

    /// <summary>Where the body runs: the home of the job's nodes. It changes only while the body rests.</summary>
    public AioContext Context { get; private set; }

    /// <summary>Begins the work; nothing happens where it was begun, or cancelled, before. Any thread.</summary>
    public Task StartAsync() => Graph.MainContext.RunAsync(() =>
    {
        Start();
        return Task.CompletedTask;
    });

    /// <summary>Begins the work. Main context.</summary>
    internal void Start()
    {
        Invariant.Check(State != JobState.Undefined);
        if (State != JobState.Created)
        {
            return;
        }

        _isStarted = true;
        MoveTo(JobState.Running);
        OnPauseCountChanged();
        _ = RunToEndAsync();
    }

    /// <summary>Waits until the body has ended; one that was never begun has. Main context.</summary>
    internal async Task WaitForBodyAsync()
    {
        while (_isStarted && !_hasBodyEnded)
        {
            await _bodyEnded.WaitAsync();
        }
    }

    /// <summary>Something of the job's begins beside its body, such as one of many requests: a drain, and the end of the body, wait for it. Any context.</summary>
    protected void BeginWork() => _work.Begin();

    /// <summary>It is over. Any context.</summary>
    protected void EndWork() => _work.End();

    /// <summary>The target is what the source is: from now on the job can be told to complete. From the body.</summary>
    protected async JobTask SetReadyAsync()
    {
        await GoToMainAsync();
        MoveTo(JobState.Ready);
        Tell(new BlockJobReady(Id, TypeName, Progress.OffsetBytes, Progress.LengthBytes, SpeedBytesPerSecond));
        await Context.SwitchTo();
    }

    /// <summary>
    /// A request has failed: does what <paramref name="policy"/> says. Where that is to stop, the job rests as if a user had paused it, and this returns
    /// when one has resumed it. From the body.
    /// </summary>
    /// <returns>What to do about the request: fail with its error, pass over it, or send it again.</returns>
    protected async JobTask<BlockErrorAction> OnRequestFailedAsync(BlockErrorPolicy policy, bool isRead, BlockException error)
    {
        ArgumentNullException.ThrowIfNull(error);

        // For a job, reads are like writes: what `auto` stops for is a full storage.
        BlockErrorAction action = policy.ActionFor(isRead: false, error.Kind);
        await GoToMainAsync();
        Tell(new BlockJobError(Id, isRead, action));
        if (action == BlockErrorAction.Stop)
        {
            if (IoStatus == BlockIoStatus.Ok)
            {
                IoStatus = error.Kind == BlockErrorKind.NoSpace ? BlockIoStatus.NoSpace : BlockIoStatus.Failed;
            }

            PauseByUser();
        }

        await RestAsync(null);
        return action;
    }

    /// <summary>So many bytes were copied: sleeps for as long as the speed demands. It is a point of rest in any case. From the body.</summary>
    protected async JobTask LimitRateAsync(long bytes)
    {
        _rateLimit.Charge(Context.NowNs, bytes);
        await PausePointAsync();
        while (_rateLimit.WaitNs(Context.NowNs) is > 0 and long waitNs)
        {
            await SleepAsync(waitNs);
        }
    }

    /// <summary>Runs <paramref name="action"/> on the main context while the body rests, so that it may drain the job's own nodes: for changes of the graph. From the body.</summary>
    protected async JobTask OnMainAsync(Func<Task> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        await GoToMainAsync();
        BeginRest(JobRest.Aside);
        try
        {
            await action();
        }
        finally
        {
            _rest = JobRest.None;
        }

        await RestAsync(null);
    }

    /// <summary>
    /// Drains <paramref name="node"/>, one of the job's own, from the body, which goes on inside the drain. Dispose the scope soon, in the body, or at the latest in
    /// <see cref="PrepareAsync"/> or <see cref="CleanAsync"/>: while it holds other drains stop the body, but no user does. One at a time.
    /// </summary>
    protected async JobTask<DrainScope> DrainAsync(BlockNode node, DrainReach reach = DrainReach.Node)
    {
        Invariant.Check(_ownDrain is not { IsEnded: false });
        await GoToMainAsync();

        // It begins when nobody else's drain holds the job, so that two jobs never wait for the end of each other's.
        await PauseAsLongAsWantedAsync();
        BeginRest(JobRest.Aside);
        try
        {
            _ownDrain = await DrainScope.BeginAsync(node, reach);
        }
        finally
        {
            _rest = JobRest.None;
        }

        OnPauseCountChanged();
        await RestAsync(null);
        return _ownDrain;
    }

    /// <summary>Changes the graph for the job, also while the graph is being closed. Main context: from <see cref="PrepareAsync"/>, <see cref="CleanAsync"/>, or <see cref="OnMainAsync"/>.</summary>
    /// <exception cref="BlockException">It is refused; nothing has changed.</exception>
    protected Task ChangeGraphAsync(params IReadOnlyList<GraphEdit> edits) => GraphChange.RunLettingGoAsync(Graph, edits);

    private async Task RunToEndAsync()
    {
        try
        {
            // Not inside the caller's own frame. Then the point of rest that nobody can leave out.
            await Graph.MainContext.YieldAsync();
            await RestAsync(null);
            await RunAsync(_cancellation.Token);
            await Graph.MainContext.SwitchTo();
        }
        catch (OperationCanceledException) when (IsForceCancelled)
        {
            await Graph.MainContext.SwitchTo();
        }
        catch (BlockException error)
        {
            await Graph.MainContext.SwitchTo();
            Error = error;
        }
        catch (Exception bug)
        {
            await Graph.MainContext.SwitchTo();
            Report(bug);
        }

        while (!_work.IsZero)
        {
            await Graph.WorkDone.WaitAsync();
        }

        _hasBodyEnded = true;
        _rested.WakeAll();
        _bodyEnded.WakeAll();
        await _group.OnBodyEndedAsync(this);
    }
}
