namespace BlockGraph.BlockCore.Scheduling;

/// <summary>A context's clock as a <see cref="TimeProvider"/>: timestamps in nanoseconds, timers that fire on the loop.</summary>
internal sealed class ContextTimeProvider(AioContext context) : TimeProvider
{
    public override long TimestampFrequency => 1_000_000_000;

    public override long GetTimestamp() => context.NowNs;

    public override DateTimeOffset GetUtcNow() => context.ReadUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ContextTimer timer = new(context, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class ContextTimer(AioContext context, TimerCallback callback, object? state) : AioTimer, ITimer
    {
        private long _periodNs = -1;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _periodNs = period == Timeout.InfiniteTimeSpan || period == TimeSpan.Zero ? -1 : period.Ticks * 100;
            long dueNs = dueTime == Timeout.InfiniteTimeSpan ? -1 : dueTime.Ticks * 100;
            if (context.IsHome)
            {
                Set(dueNs);
            }
            else
            {
                context.Post(_ => Set(dueNs), null);
            }

            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        protected internal override void Run()
        {
            if (_periodNs > 0)
            {
                context.Arm(this, context.NowNs + _periodNs);
            }

            callback(state);
        }

        private void Set(long dueNs)
        {
            context.Disarm(this);
            if (dueNs >= 0)
            {
                context.Arm(this, context.NowNs + dueNs);
            }
        }
    }
}
