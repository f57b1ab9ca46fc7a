using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Jobs;

/// <content>
/// What a user may tell it, from any thread. A verb takes effect in a turn of its own on the main context, so that who hears of an event may use one.
/// </content>
public abstract partial class BlockJob
{
    /// <summary>
    /// Ends the job: softly where the kind of job has a way of its own to end well, by force otherwise. Returns when a running body has been told; where none runs,
    /// when the whole group is over. <i>QEMU: block-job-cancel; job-cancel, which is always by force.</i>
    /// </summary>
    /// <exception cref="BlockException">The state does not accept it, or it is paused and not to be forced.</exception>
    public Task CancelAsync(bool isForced = false) => InTurnAsync(async () =>
    {
        if (_isUserPaused && !isForced)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, $"The block job for device '{Id}' is currently paused");
        }

        _machine.ThrowUnlessAccepted(JobVerb.Cancel, Id);
        if (_group.IsCommitting)
        {
            // Too late: it is as if the verb had come when all is done.
            await _group.SettleAsync();
            _machine.ThrowUnlessAccepted(JobVerb.Cancel, Id);
        }

        await CancelCoreAsync(isForced);
    });

    /// <summary>Lets the job rest at its next point of rest, until it is resumed. <i>QEMU: job-pause.</i></summary>
    /// <exception cref="BlockException">The state does not accept it, or it is paused already.</exception>
    public Task PauseAsync() => InTurnAsync(() =>
    {
        _machine.ThrowUnlessAccepted(JobVerb.Pause, Id);
        if (_isUserPaused)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, "Job is already paused");
        }

        PauseByUser();
        return Task.CompletedTask;
    });

    /// <summary>Undoes one <see cref="PauseAsync"/>, or the pause that an error has caused. <i>QEMU: job-resume.</i></summary>
    /// <exception cref="BlockException">It is not paused, or the state does not accept it.</exception>
    public Task ResumeAsync() => InTurnAsync(() =>
    {
        if (!_isUserPaused)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, "Can't resume a job that was not paused");
        }

        _machine.ThrowUnlessAccepted(JobVerb.Resume, Id);
        OnUserResuming();
        IoStatus = BlockIoStatus.Ok;
        _isUserPaused = false;
        OnPauseCountChanged();
        return Task.CompletedTask;
    });

    /// <summary>Lets the job work at another speed, in bytes per second; 0 for no limit. A job that sleeps because it was slower is woken. <i>QEMU: block-job-set-speed.</i></summary>
    /// <exception cref="BlockException">The state does not accept it, or the speed is negative.</exception>
    public Task SetSpeedAsync(long speedBytesPerSecond) => InTurnAsync(() =>
    {
        _machine.ThrowUnlessAccepted(JobVerb.SetSpeed, Id);
        ThrowIfNegative(speedBytesPerSecond);
        long oldSpeed = SpeedBytesPerSecond;
        _rateLimit.SpeedBytesPerSecond = speedBytesPerSecond;
        OnSpeedChanged(speedBytesPerSecond);
        if (_timer is not null && (speedBytesPerSecond == 0 || speedBytesPerSecond > oldSpeed))
        {
            WakeSleeper();
        }

        return Task.CompletedTask;
    });

    /// <summary>Lets a job that is ready finish. <i>QEMU: job-complete.</i></summary>
    /// <exception cref="BlockException">The state does not accept it, or the job is ending already.</exception>
    public Task CompleteAsync() => InTurnAsync(async () =>
    {
        _machine.ThrowUnlessAccepted(JobVerb.Complete, Id);
        if (IsCancelRequested || !CanComplete)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, $"The active block job '{Id}' cannot be completed");
        }

        await OnCompletingAsync();
        WakeSleeper();
    });

    /// <summary>Makes the work of the whole group final, and returns when it is, or is taken back because that failed. <i>QEMU: job-finalize.</i></summary>
    /// <exception cref="BlockException">The state does not accept it.</exception>
    public Task FinalizeAsync() => InTurnAsync(async () =>
    {
        _machine.ThrowUnlessAccepted(JobVerb.Finalize, Id);
        await _group.SettleAsync();
        _machine.ThrowUnlessAccepted(JobVerb.Finalize, Id);
        await _group.FinalizeAsync();
    });

    /// <summary>Forgets the job, which is over: its id is free. <i>QEMU: job-dismiss.</i></summary>
    /// <exception cref="BlockException">The state does not accept it.</exception>
    public Task DismissAsync() => InTurnAsync(() =>
    {
        _machine.ThrowUnlessAccepted(JobVerb.Dismiss, Id);
        Forget();
        return Task.CompletedTask;
    });

    private Task InTurnAsync(Func<Task> verb) => Graph.MainContext.RunAsync(async () =>
    {
        await Graph.MainContext.YieldAsync();
        await verb();
    });
}
