using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>A <see cref="JobTask"/> with a result.</summary>
/// <typeparam name="T">The result's type.</typeparam>
[AsyncMethodBuilder(typeof(JobTaskMethodBuilder<>))]
public readonly record struct JobTask<T>
{
    private readonly ValueTask<T> _task;

    internal JobTask(ValueTask<T> task) => _task = task;

    /// <summary>What the compiler awaits by.</summary>
    public JobTaskAwaiter<T> GetAwaiter() => new(_task);
}

/// <summary>Continues its caller inside the completion, on whichever context that is.</summary>
/// <typeparam name="T">The result's type.</typeparam>
public readonly record struct JobTaskAwaiter<T> : ICriticalNotifyCompletion
{
    private readonly ValueTask<T> _task;

    internal JobTaskAwaiter(ValueTask<T> task) => _task = task;

    /// <summary>True where there is nothing to wait for.</summary>
    public bool IsCompleted => _task.IsCompleted;

    /// <summary>The result; throws what the method has thrown.</summary>
    public T GetResult() => _task.GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => JobTaskMethodBuilder.Continue(_task.AsTask(), continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => JobTaskMethodBuilder.Continue(_task.AsTask(), continuation);
}
