using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// The completion half of a pooled <see cref="IValueTaskSource"/> that is set and awaited on one loop: no interlocked
/// operations, and the continuation runs inline. (The framework's own core would post it to the captured context.)
/// </summary>
internal struct HomeCompletion
{
    private Action<object?>? _continuation;
    private object? _state;
    private Exception? _error;
    private short _version;
    private bool _isDone;

    public readonly short Version => _version;

    public readonly bool IsDone => _isDone;

    public readonly bool IsAwaited => _continuation is not null;

    /// <summary>Makes the source ready for its next use; tasks handed out before are void.</summary>
    public void Reset()
    {
        // Versions only tell neighbouring uses of one pooled object apart: wrapping after 65,536 uses is meant.
        unchecked
        {
            _version++;
        }

        _isDone = false;
        _continuation = null;

        // Storing a reference costs a write barrier; on the usual path it is null already.
        if (_error is not null)
        {
            _error = null;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetResult()
    {
        _isDone = true;
        _continuation?.Invoke(_state);
    }

    public void SetException(Exception error)
    {
        _error = error;
        SetResult();
    }

    public readonly ValueTaskSourceStatus GetStatus(short token)
    {
        CheckToken(token);
        return !_isDone ? ValueTaskSourceStatus.Pending
            : _error is null ? ValueTaskSourceStatus.Succeeded
            : _error is OperationCanceledException ? ValueTaskSourceStatus.Canceled
            : ValueTaskSourceStatus.Faulted;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void OnCompleted(Action<object?> continuation, object? state, short token, AioContext home)
    {
        CheckToken(token);
        if (_continuation is not null || AioContext.Current != home)
        {
            FailAwait(home);
        }

        // The flags ask for the scheduling context; at home that is where we are anyway.
        _state = state;
        _continuation = continuation;
        if (_isDone)
        {
            home.Ready(new DelegateWork(continuation, state));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void GetResult(short token)
    {
        CheckToken(token);
        if (!_isDone)
        {
            Invariant.Fail("the result of a pending operation was taken");
        }

        if (_error is not null)
        {
            ExceptionDispatchInfo.Throw(_error);
        }
    }

    private readonly void CheckToken(short token)
    {
        if (token != _version)
        {
            Invariant.Fail("a ValueTask was awaited twice, or after its operation was recycled");
        }
    }

    private readonly void FailAwait(AioContext home) =>
        Invariant.Fail(_continuation is not null ? "a ValueTask was awaited twice" : $"a ValueTask of context '{home.Name}' was awaited on another thread");
}
