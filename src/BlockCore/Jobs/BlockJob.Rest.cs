using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Jobs;

/// <content>
/// Where the body rests, and who wakes it. It comes to the main context to rest, so that here one thread decides everything: whether it may
/// go on, what the state is, when the timer is disarmed; and when it goes back, it goes to the context that is the job's by then.
/// <code>
///  running the body ──► asleep (timer, or until woken) ──► paused ──► running the body
///                          └────── woken, due ────────────────────────►┘
/// </code>
/// </content>
public abstract partial class BlockJob
{
    private readonly CoQueue _wake = new();
    private readonly CoQueue _rested = new();
    private JobRest _rest;
    private SleepTimer? _timer;
    private DrainScope? _ownDrain;
    private int _drainCount;
    private bool _isUserPaused;
    private bool _isKicked;

    // Read by the body on its own context; a stale answer only means one round more.
    private volatile bool _isRestWanted;
    private volatile bool _isCancelRequested;
    private volatile bool _isForceCancelled;

    private enum JobRest
    {
        None,
        Asleep,
        Paused,
        Aside,
    }

    /// <summary>How many reasons there are for it to rest: a user or an error; each drain, for each of its nodes; that it was not started. Main context.</summary>
    public int PauseCount => _drainCount + (_isUserPaused ? 1 : 0) + (State <= JobState.Created ? 1 : 0);

    /// <summary>True where a user, or an error, has paused it. Main context.</summary>
    public bool IsUserPaused => _isUserPaused;

    /// <summary>True where its body runs code or waits for a request. Main context.</summary>
    public bool IsBusy => _isStarted && !_hasBodyEnded && _rest == JobRest.None;

    // A drain that the body has asked for itself does not stop it, nor does a user inside it: others wait for its end. Other drains do.
    private bool MustPause =>
        !_isForceCancelled && (_ownDrain is { IsEnded: false } drain ? _drainCount > drain.CountEdgesOf(this) : PauseCount > 0);

    /// <summary>A point of rest: costs nothing unless the job is to pause. From the body.</summary>
    /// <exception cref="OperationCanceledException">The job is cancelled by force.</exception>
    protected JobTask PausePointAsync() => !_isRestWanted && Context.IsHome ? default : RestAsync(null);

    /// <summary>
    /// Sleeps for <paramref name="delayNs"/> nanoseconds; less where the job is woken, paused and resumed, or cancelled. A point of rest. From the body.
    /// </summary>
    /// <exception cref="OperationCanceledException">The job is cancelled by force.</exception>
    protected JobTask SleepAsync(long delayNs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(delayNs);
        return RestAsync(delayNs);
    }

    /// <summary>
    /// Rests until <see cref="Wake"/>, or until it was paused and resumed: what the body waits for may not have come, so ask again. A point of rest. From the body.
    /// </summary>
    /// <exception cref="OperationCanceledException">The job is cancelled by force.</exception>
    protected JobTask YieldAsync() => RestAsync(Timeout.Infinite);

    /// <summary>Ends the body's sleep or yield; where it is awake, its next one ends at once. Any thread. <i>QEMU: job_enter().</i></summary>
    protected void Wake()
    {
        if (Graph.MainContext.IsHome)
        {
            WakeSleeper();
        }
        else
        {
            Graph.MainContext.Post(static job => ((BlockJob)job!).WakeSleeper(), this);
        }
    }

    // How long to sleep first, in nanoseconds: null for not at all, negative for until woken.
    private async JobTask RestAsync(long? delayNs)
    {
        await GoToMainAsync();
        if (delayNs is not null && !_isKicked && !_isForceCancelled && !MustPause)
        {
            if (delayNs >= 0)
            {
                _timer = new SleepTimer(this);
                Graph.MainContext.Arm(_timer, checked(Graph.MainContext.NowNs + delayNs.Value));
            }

            BeginRest(JobRest.Asleep);
            await _wake.WaitAsync();
        }

        if (delayNs is not null)
        {
            _isKicked = false;
        }

        await PauseAsLongAsWantedAsync();
        await GoHomeAsync();
        _cancellation.Token.ThrowIfCancellationRequested();
    }

    // The hop is made in a turn of its own. By then every caller has registered for what it awaits; otherwise, with the job moved meanwhile, one
    // could find it done by another thread, and would go on where it is.
    private async JobTask GoToMainAsync()
    {
        if (!Graph.MainContext.IsHome)
        {
            await AioContext.Current!.YieldAsync();
            await Graph.MainContext.SwitchTo();
        }
    }

    // So is the hop back: who has come from the main context, as a body does that is just beginning, may not have waited for anything yet. It counts as busy.
    private async JobTask GoHomeAsync()
    {
        if (!Context.IsHome)
        {
            await Graph.MainContext.YieldAsync();
            await Context.SwitchTo();
        }
    }

    // On the main context.
    private async Task PauseAsLongAsWantedAsync()
    {
        while (MustPause)
        {
            EnterPause();
            await _wake.WaitAsync();
        }
    }

    private void BeginRest(JobRest rest)
    {
        _rest = rest;
        _rested.WakeAll();
    }

    private void EnterPause()
    {
        BeginRest(JobRest.Paused);
        MoveTo(State == JobState.Ready ? JobState.Standby : JobState.Paused);
    }

    // From here on the body counts as busy, though it runs only in a later turn.
    private void EndRest()
    {
        bool wasPaused = _rest == JobRest.Paused;
        _rest = JobRest.None;
        DisarmTimer();
        _wake.WakeNext();
        if (wasPaused)
        {
            MoveTo(State == JobState.Standby ? JobState.Ready : JobState.Running);
        }
    }

    private void DisarmTimer()
    {
        if (_timer is { } timer)
        {
            _timer = null;
            Graph.MainContext.Disarm(timer);
        }
    }

    private void WakeSleeper()
    {
        if (_rest == JobRest.Asleep)
        {
            EndRest();
        }
        else
        {
            _isKicked = true;
        }
    }

    // Somebody has begun or ceased to want the job to rest. A sleeper becomes a pauser where it lies: its body has nothing to do with it.
    private void OnPauseCountChanged()
    {
        _isRestWanted = MustPause || _isForceCancelled;
        if (MustPause && _rest == JobRest.Asleep)
        {
            DisarmTimer();
            EnterPause();
        }
        else if (!MustPause && _rest == JobRest.Paused)
        {
            EndRest();
        }
    }

    private void PauseByUser()
    {
        if (!_isUserPaused)
        {
            _isUserPaused = true;
            OnUserPaused();
            OnPauseCountChanged();
        }
    }

    private sealed class SleepTimer(BlockJob job) : AioTimer
    {
        // A timer that was due when it was disarmed still runs: it is no longer the job's then.
        protected internal override void Run()
        {
            if (ReferenceEquals(job._timer, this))
            {
                job.EndRest();
            }
        }
    }
}
