namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// A pooled operation whose work is done on a worker thread and whose task completes at home. Everything that
/// <see cref="Execute"/> needs is a field, set before it is submitted. <i>QEMU: thread_pool_submit_co().</i>
/// </summary>
public abstract class WorkerJob : AioOperation, IWorkerWork
{
    private Exception? _error;

    /// <summary>A job of <paramref name="context"/>.</summary>
    protected WorkerJob(AioContext context)
        : base(context)
    {
    }

    /// <summary>Does the work. It runs on a worker and may block; what it throws is thrown at the awaiter.</summary>
    protected abstract void Execute();

    /// <summary>Back home: hands the result to the awaiter.</summary>
    protected internal sealed override void Run()
    {
        Exception? error = _error;
        if (error is null)
        {
            Complete();
            return;
        }

        _error = null;
        Fail(error);
    }

    /// <inheritdoc/>
    void IWorkerWork.ExecuteOnWorker() => ExecuteOnWorker();

    /// <summary>On the worker, or wherever it may block: does the work. The job is run at home afterwards.</summary>
    internal void ExecuteOnWorker()
    {
        try
        {
            Execute();
        }
#pragma warning disable CA1031 // Whatever the work threw belongs to the awaiter, not to the worker.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _error = error;
        }
    }
}

/// <summary>A job made of a delegate, for paths that may allocate.</summary>
internal sealed class DelegateJob(AioContext context, Action work) : WorkerJob(context)
{
    protected override void Execute() => work();

    protected override void Recycle()
    {
        // Used once; the collector takes it.
    }
}

/// <summary>Shorthands for running a delegate on the workers.</summary>
public static class WorkerExtensions
{
    /// <summary>Runs <paramref name="work"/> on a worker of <paramref name="context"/>. Allocates; at home.</summary>
    public static ValueTask RunOnWorkers(this AioContext context, Action work)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.RunOnWorkers(new DelegateJob(context, work));
    }

    /// <summary>Runs <paramref name="work"/> on a worker of <paramref name="context"/> and returns its result. Allocates; at home.</summary>
    public static async ValueTask<T> RunOnWorkers<T>(this AioContext context, Func<T> work)
    {
        T result = default!;
        await context.RunOnWorkers(() => { result = work(); });
        return result;
    }
}
