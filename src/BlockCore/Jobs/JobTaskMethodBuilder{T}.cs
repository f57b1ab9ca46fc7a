using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>What the compiler builds an <c>async JobTask&lt;T&gt;</c> method with.</summary>
/// <typeparam name="T">The result's type.</typeparam>
public record struct JobTaskMethodBuilder<T>
{
    private AsyncValueTaskMethodBuilder<T> _builder;

    /// <summary>The task of the method.</summary>
    public JobTask<T> Task => new(_builder.Task);

    /// <summary>A builder for one call of the method.</summary>
#pragma warning disable CA1000 // The compiler looks for it here, under this name.
    public static JobTaskMethodBuilder<T> Create() => default;
#pragma warning restore CA1000

    /// <summary>Part of the compiler's contract.</summary>
    public void SetStateMachine(IAsyncStateMachine stateMachine) => _builder.SetStateMachine(stateMachine);

    /// <summary>Runs the method up to its first wait.</summary>
    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => _builder.Start(ref stateMachine);

    /// <summary>The method has returned.</summary>
    public void SetResult(T result) => _builder.SetResult(result);

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
}
