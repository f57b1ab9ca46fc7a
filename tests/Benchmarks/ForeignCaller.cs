using System.Collections.Concurrent;

namespace BlockGraph.Benchmarks;

/// <summary>A thread that is no loop of ours, with a SynchronizationContext of its own, as a user interface or a service has.</summary>
internal sealed class ForeignCaller : SynchronizationContext
{
    private readonly BlockingCollection<(SendOrPostCallback Call, object? State)> _calls = [];

    /// <summary>Runs <paramref name="body"/> on a thread of its own until it has completed.</summary>
    public static Task<T> CallAsync<T>(Func<Task<T>> body)
    {
        TaskCompletionSource<T> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ForeignCaller caller = new();
        new Thread(() => caller.Loop(body, result)) { IsBackground = true, Name = "foreign-caller" }.Start();
        return result.Task;
    }

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state) => _calls.Add((d, state));

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;

    private void Loop<T>(Func<Task<T>> body, TaskCompletionSource<T> result)
    {
        SetSynchronizationContext(this);
        Task<T> task = body();
        task.ContinueWith(_ => _calls.CompleteAdding(), TaskScheduler.Default);
        foreach ((SendOrPostCallback call, object? state) in _calls.GetConsumingEnumerable())
        {
            call(state);
        }

        result.SetFromTask(task);
    }
}
