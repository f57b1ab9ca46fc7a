namespace BlockGraph.BlockCore.Scheduling;

/// <summary>Completes at an instant of its context's clock, or is cancelled before.</summary>
internal sealed class DelayOperation : AioOperation
{
    private readonly DelayTimer _timer;
    private readonly CancellationHook _cancellation;
    internal DelayOperation? NextFree;

    public DelayOperation(AioContext context)
        : base(context)
    {
        _timer = new DelayTimer(this);
        _cancellation = new CancellationHook(context, OnCancelled);
    }

    public ValueTask Start(long delayNs, CancellationToken cancel)
    {
        ValueTask task = Task;
        Context.Arm(_timer, checked(Context.NowNs + delayNs));
        _cancellation.Register(cancel);
        return task;
    }

    protected internal override void Run() => Complete();

    protected override void Recycle() => Context.Return(this);

    private void OnCancelled(CancellationToken cancel)
    {
        if (_timer.IsArmed)
        {
            Context.Disarm(_timer);
            _cancellation.Unregister();
            Fail(new OperationCanceledException(cancel));
        }
    }

    private sealed class DelayTimer(DelayOperation operation) : AioTimer
    {
        protected internal override void Run()
        {
            operation._cancellation.Unregister();
            operation.Complete();
        }
    }
}
