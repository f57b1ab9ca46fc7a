using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>A context of a <see cref="VirtualTimeScheduler"/>: code on it cannot tell that time is not real.</summary>
public class VirtualTimeAioContext : AioContext
{
    private readonly VirtualTimeScheduler _world;

    /// <summary>A context of <paramref name="world"/>.</summary>
    protected internal VirtualTimeAioContext(VirtualTimeScheduler world, string name)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(world);
        _world = world;
        Index = world.NextContextIndex;
    }

    /// <summary>The number of the context in its world, in order of creation.</summary>
    public int Index { get; }

    /// <inheritdoc/>
    public override void Arm(AioTimer timer, long dueNs) => base.Arm(timer, checked(dueNs + _world.ChooseLatenessNs()));

    /// <inheritdoc/>
    internal override void SendToWorkers(AioWork work)
    {
        long jobNs = _world.ChooseJobNs();
        if (jobNs == 0)
        {
            _world.AddJob(this, work);
        }
        else
        {
            base.Arm(new JobTimer(_world, this, work), NowNs + jobNs);
        }
    }

    /// <inheritdoc/>
    internal override bool Turn(bool mayBlock)
    {
        bool hasRun = _world.TryStep();
        if (!hasRun && mayBlock)
        {
            Invariant.Fail("deadlock: nothing is ready, no timer is armed, and the run is not over");
        }

        return hasRun;
    }

    internal AioWork? TakeAllReady()
    {
        InvalidateNow();
        TakeRemoteWork();
        TakeDueTimers();
        return TakeReadyWork();
    }

    internal void StartStep() => InvalidateNow();

    /// <inheritdoc/>
    protected override long ReadClockNs() => _world.NowNs;

    /// <inheritdoc/>
    protected override void OnRemoteWork()
    {
        // The world looks at every context before every step.
    }

    private sealed class JobTimer(VirtualTimeScheduler world, VirtualTimeAioContext context, AioWork job) : AioTimer
    {
        protected internal override void Run() => world.AddJob(context, job);
    }
}
