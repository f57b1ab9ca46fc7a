using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;

namespace BlockGraph.BlockCore.Jobs;

/// <content>The end of a job: what its group has it do, and what is done whatever happens. Main context.</content>
public abstract partial class BlockJob
{
    private readonly JobTransaction _group;

    /// <summary>True where its work must be taken back.</summary>
    internal bool HasFailed => Error is not null || _isForceCancelled;

    internal void BeginWaiting() => MoveTo(JobState.Waiting);

    internal void BeginPending()
    {
        MoveTo(JobState.Pending);
        if (!Options.AutoFinalize)
        {
            Tell(new BlockJobPending(Id, TypeName));
        }
    }

    internal void BeginAborting()
    {
        if (_isForceCancelled)
        {
            Error ??= Cancelled();
        }

        MoveTo(JobState.Aborting);
    }

    /// <summary>The job must end without effect: a body that rests is woken, and rests no more.</summary>
    internal void MarkCancelled()
    {
        if (_isForceCancelled)
        {
            return;
        }

        _isCancelRequested = true;
        _isForceCancelled = true;
        _isUserPaused = false;
        _cancellation.Cancel();
        OnPauseCountChanged();
        if (_rest is JobRest.Asleep)
        {
            EndRest();
        }
    }

    /// <summary>Has the author do what may still fail; a failure is kept.</summary>
    internal async Task RunPrepareAsync()
    {
        try
        {
            await PrepareAsync(_cancellation.Token);
        }
        catch (OperationCanceledException) when (_isForceCancelled)
        {
            // The group looks at the job next.
        }
        catch (BlockException error)
        {
            Error = error;
        }
        catch (Exception bug)
        {
            Report(bug);
        }
    }

    /// <summary>Commits or aborts, cleans, lets the nodes go, tells, and leaves the group. The body has ended, and nothing can be decided otherwise any more.</summary>
    internal async Task ConcludeAsync()
    {
        if (HasFailed)
        {
            BeginAborting();
            Guard(Abort);
        }
        else
        {
            Guard(Commit);
        }

        await GuardAsync(CleanAsync);
        await GuardAsync(EndOwnDrainAsync);
        await GuardAsync(ReleaseNodesAsync);
        Guard(() => Options.Completed?.Invoke(this));
        if (_isStarted)
        {
            Tell(_isForceCancelled
                ? new BlockJobCancelled(Id, TypeName, Progress.OffsetBytes, Progress.LengthBytes, SpeedBytesPerSecond)
                : new BlockJobCompleted(Id, TypeName, Progress.OffsetBytes, Progress.LengthBytes, SpeedBytesPerSecond, Error?.Message));
        }

        _group.Remove(this);
        MoveTo(JobState.Concluded);
        _over.WakeAll();
        if (Options.AutoDismiss || !_isStarted)
        {
            Forget();
        }
    }

    private static BlockException Cancelled() => new(BlockErrorKind.Cancelled, BlockErrorKind.Cancelled.ToErrnoText());

    private async Task CancelCoreAsync(bool isForced)
    {
        if (!isForced && _isStarted && TryCancelSoftly())
        {
            // One whose body has ended is as good as completed.
            if (!_hasBodyEnded)
            {
                _isCancelRequested = true;
                WakeSleeper();
            }

            return;
        }

        MarkCancelled();
        if (_group.IsPreparing)
        {
            await _group.SettleAsync();
        }
        else if (!_isStarted || _hasBodyEnded)
        {
            await _group.AbortAsync(this);
        }
    }

    private async Task CloseAsync()
    {
        if (State is JobState.Undefined or JobState.Null)
        {
            return;
        }

        if (_machine.Accepts(JobVerb.Cancel) && !_group.IsCommitting)
        {
            await CancelCoreAsync(isForced: true);
        }

        await WaitUntilOverAsync();
        if (State == JobState.Concluded)
        {
            Forget();
        }
    }

    private async Task EndOwnDrainAsync()
    {
        if (_ownDrain is { } drain)
        {
            await drain.DisposeAsync();
            _ownDrain = null;
        }
    }

    private void Forget()
    {
        _isUserPaused = false;
        Graph.Unregister(this);
        MoveTo(JobState.Null);
        _over.WakeAll();
        _cancellation.Dispose();
    }

    // What cannot fail and fails all the same must not keep the job from its end.
    private void Guard(Action step)
    {
        try
        {
            step();
        }
        catch (Exception bug)
        {
            Report(bug);
        }
    }

    private async Task GuardAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception bug)
        {
            Report(bug);
        }
    }
}
