namespace BlockGraph.BlockCore.Scheduling;

/// <content>Calling a context from anywhere: the marshalling of the public API.</content>
public abstract partial class AioContext
{
    /// <summary>
    /// Runs <paramref name="body"/> on this context and returns its result. A caller at home runs it at once; one of another
    /// context resumes there; any other resumes on its own SynchronizationContext or the pool, never on this loop.
    /// </summary>
    public Task<T> RunAsync<T>(Func<Task<T>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return IsHome ? body() : RunForeignAsync(body);
    }

    /// <summary>Like <see cref="RunAsync{T}"/>, for a body without a result.</summary>
    public Task RunAsync(Func<Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return IsHome ? body() : RunForeignAsync(async () =>
        {
            await body();
            return true;
        });
    }

    /// <summary>
    /// Runs <paramref name="body"/> on this context and blocks the calling thread until it has completed. For code that cannot await, on a thread
    /// that runs no context: everything happens here meanwhile, and nothing on the calling thread.
    /// </summary>
    /// <exception cref="InvalidOperationException">The calling thread runs a context, or is the one that runs this one: it would wait for itself.</exception>
    /// <exception cref="ObjectDisposedException">Nobody runs the context any more.</exception>
    public T RunBlocking<T>(Func<ValueTask<T>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        ThrowIfBlockingIsFatal();
        BlockingCall<T> call = new(body);
        Send(call);
        return call.Wait();
    }

    /// <summary>Refuses a thread that must not block on this context.</summary>
    /// <exception cref="InvalidOperationException">It runs a context, or is the one that runs this one.</exception>
    /// <exception cref="ObjectDisposedException">Nobody runs the context any more.</exception>
    internal void ThrowIfBlockingIsFatal()
    {
        if (Current is { } current)
        {
            throw new InvalidOperationException($"A blocking call on the thread that runs context '{current.Name}' would wait for itself: await the asynchronous one instead");
        }

        if (ReferenceEquals(_runner, Thread.CurrentThread))
        {
            throw new InvalidOperationException($"A blocking call on the thread that pumps context '{Name}' would wait for itself: run the context and await the asynchronous one instead");
        }

        ObjectDisposedException.ThrowIf(_isDisposed, this);
    }

    /// <summary>Awaited by an operation that a foreign thread has started, brings it back to <paramref name="origin"/>, the context it came from, if it came from one.</summary>
    /// <remarks>
    /// Any other caller needs no hop. A loop has a SynchronizationContext of its own, and where there is one the framework runs
    /// nobody's continuation inside the completion of a task: it posts it to the awaiter's context, or to the pool. For the same reason a hop
    /// cannot be wrapped: a method that awaits one that hops goes on where it was itself.
    /// </remarks>
    internal static ContextSwitch ReturnTo(AioContext? origin) => new(origin);

    /// <summary>The instant now, in nanoseconds of this context's clock. Any thread.</summary>
    internal long ReadNowNs() => IsHome ? NowNs : ReadClockNs();

    private async Task<T> RunForeignAsync<T>(Func<Task<T>> body)
    {
        AioContext? origin = Current;
        await SwitchTo();
        try
        {
            return await body();
        }
        finally
        {
            await ReturnTo(origin);
        }
    }
}
