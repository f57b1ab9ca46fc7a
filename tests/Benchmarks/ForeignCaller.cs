namespace BlockGraph.Benchmarks;

/// <summary>A thread that is no loop of ours, with a SynchronizationContext of its own, as a user interface or a service has.</summary>
internal sealed class ForeignCaller : SynchronizationContext
{
    // Protected by _calls, as is _isOver.
    private readonly Queue<(SendOrPostCallback Call, object? State)> _calls = [];
    private bool _isOver;

    /// <summary>Runs <paramref name="body"/> on a thread of its own until it has completed.</summary>
    public static Task<T> CallAsync<T>(Func<Task<T>> body)
    {
        TaskCompletionSource<T> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ForeignCaller caller = new();
        new Thread(() => caller.Loop(body, result)) { IsBackground = true, Name = "foreign-caller" }.Start();
        return result.Task;
    }

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_calls)
        {
            _calls.Enqueue((d, state));
            if (_calls.Count == 1)
            {
                Monitor.Pulse(_calls);
            }
        }
    }

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;

    private void Loop<T>(Func<Task<T>> body, TaskCompletionSource<T> result)
    {
        SetSynchronizationContext(this);
        Task<T> task = body();
        task.ContinueWith(_ => Post(_ => _isOver = true, null), TaskScheduler.Default);
        while (!_isOver)
        {
            (SendOrPostCallback call, object? state) = Take();
            call(state);
        }

        result.SetFromTask(task);
    }

    private (SendOrPostCallback Call, object? State) Take()
    {
        lock (_calls)
        {
            while (_calls.Count == 0)
            {
                Monitor.Wait(_calls);
            }

            return _calls.Dequeue();
        }
    }
}
