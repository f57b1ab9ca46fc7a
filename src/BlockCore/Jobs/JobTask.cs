using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>
/// What the body of a job returns, and every method of its own that may rest: the caller goes on where the job is at home by then.
/// </summary>
/// <remarks>
/// A <see cref="Task"/> would not do. Its awaiter goes back to the context that it was awaited on, and while the body rested its nodes may have moved
/// to another. Write <c>async JobTask</c> as you would <c>async Task</c>; await it once, at once, in the body.
/// </remarks>
[AsyncMethodBuilder(typeof(JobTaskMethodBuilder))]
public readonly record struct JobTask
{
    private readonly ValueTask _task;

    internal JobTask(ValueTask task) => _task = task;

    /// <summary>What the compiler awaits by.</summary>
    public JobTaskAwaiter GetAwaiter() => new(_task);
}

/// <summary>Continues its caller inside the completion, on whichever context that is.</summary>
public readonly record struct JobTaskAwaiter : ICriticalNotifyCompletion
{
    private readonly ValueTask _task;

    internal JobTaskAwaiter(ValueTask task) => _task = task;

    /// <summary>True where there is nothing to wait for.</summary>
    public bool IsCompleted => _task.IsCompleted;

    /// <summary>Throws what the method has thrown.</summary>
    public void GetResult() => _task.GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => JobTaskMethodBuilder.Continue(_task.AsTask(), continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => JobTaskMethodBuilder.Continue(_task.AsTask(), continuation);
}
