using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// What "completes later" is made of: a pooled operation of one context. Take <see cref="Task"/> once, complete it once, at
/// home; it recycles itself when it has been awaited, and then allocates nothing. <i>QEMU: a coroutine that yields.</i>
/// </summary>
/// <remarks>
/// The one that rents it awaits the task exactly once, at once, on the same context. States: rented, pending, done, and
/// recycled by the awaiter's GetResult.
/// </remarks>
public abstract class AioOperation : AioWork, IValueTaskSource
{
    private HomeCompletion _core;
    private CompletionHook? _firstHook;

    // Null while there are fewer than two hooks.
    private CompletionHook? _lastHook;

    /// <summary>An operation of <paramref name="context"/>.</summary>
    protected AioOperation(AioContext context) => Context = context;

    /// <summary>The context that it is awaited and completed on.</summary>
    public AioContext Context { get; }

    /// <summary>The task of this use of the operation.</summary>
    public ValueTask Task
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            // A layer above may hook the operation issued last instead of awaiting it.
            if (!ReferenceEquals(Context.LastIssued, this))
            {
                Context.LastIssued = this;
            }

            return new ValueTask(this, _core.Version);
        }
    }

    /// <summary>Completes the operation and continues its awaiter, inline. Call it from the loop's own frame, at home.</summary>
    public void Complete()
    {
        if (AioContext.Current != Context)
        {
            FailForeign();
        }

        if (_firstHook is not null)
        {
            RunHooks(null);
        }

        _core.SetResult();
    }

    /// <summary>Completes the operation with <paramref name="error"/>, which is thrown once, at the awaiter.</summary>
    public void Fail(Exception error)
    {
        if (AioContext.Current != Context)
        {
            FailForeign();
        }

        if (_firstHook is not null)
        {
            RunHooks(error);
        }

        _core.SetException(error);
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, Context);

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token)
    {
        try
        {
            _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            Recycle();
        }
    }

    /// <summary>Appends <paramref name="hook"/> where <paramref name="task"/> is this operation's own and it is pending; false where it is not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryHook(in ValueTask task, CompletionHook hook)
    {
        // Asked of the operation itself: asking the task would cost a cast and an interface call for each question.
        if (_core.IsDone || !task.Equals(new ValueTask(this, _core.Version)))
        {
            return false;
        }

        if (_firstHook is null)
        {
            _firstHook = hook;
        }
        else
        {
            AppendHook(hook);
        }

        return true;
    }

    /// <summary>Returns the operation to the pool it came from. Its fields may be reused at once.</summary>
    protected abstract void Recycle();

    private void FailForeign() => Invariant.Fail($"an operation of context '{Context.Name}' was completed on another thread");

    private void AppendHook(CompletionHook hook)
    {
        (_lastHook ?? _firstHook!).NextHook = hook;
        _lastHook = hook;
    }

    private void RunHooks(Exception? error)
    {
        CompletionHook? hook = _firstHook;
        _firstHook = null;
        _lastHook = null;
        while (hook is not null)
        {
            CompletionHook? next = hook.NextHook;
            hook.NextHook = null;
            hook.OnOperationDone(error);
            hook = next;
        }
    }
}
