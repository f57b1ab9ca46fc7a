using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>What the compiler builds an <c>async JobTask</c> method with: the framework's own builder, under another awaiter.</summary>
public record struct JobTaskMethodBuilder
{
    private AsyncValueTaskMethodBuilder _builder;

    /// <summary>The task of the method.</summary>
    public JobTask Task => new(_builder.Task);

    /// <summary>A builder for one call of the method.</summary>
    public static JobTaskMethodBuilder Create() => default;

    /// <summary>Runs the method up to its first wait.</summary>
    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => _builder.Start(ref stateMachine);

    /// <summary>Part of the compiler's contract.</summary>
    public void SetStateMachine(IAsyncStateMachine stateMachine) => _builder.SetStateMachine(stateMachine);

    /// <summary>The method has returned.</summary>
    public void SetResult() => _builder.SetResult();

    /// <summary>The method has thrown.</summary>
    public void SetException(Exception exception) => _builder.SetException(exception);

    /// <summary>The method waits.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitOnCompleted(ref awaiter, ref stateMachine);

    /// <summary>The method waits.</summary>
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);

    /// <summary>Calls <paramref name="continuation"/> inside the completion of <paramref name="task"/>, whatever SynchronizationContext the thread has.</summary>
    internal static void Continue(Task task, Action continuation) => task.ContinueWith(
        static (_, next) => ((Action)next!)(), continuation, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
