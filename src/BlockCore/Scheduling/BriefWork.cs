using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>Work that is short but may block, such as a question to a file system: where it is done depends on who would wait for it.</summary>
public static class BriefWork
{
    /// <summary>True where brief work is done at once, for the context's loop may block for its one user: who asks this first needs no delegate. At home.</summary>
    public static bool RunsBriefWorkHere(this AioContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Invariant.Check(context.IsHome);
        return context.LoopTransfers == LoopTransfers.Any;
    }

    /// <summary>Runs <paramref name="work"/> at once where the context's loop may block for its one user; otherwise on a worker. At home.</summary>
    public static ValueTask<T> RunBriefly<T>(this AioContext context, Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(work);
        return context.RunsBriefWorkHere() ? new(work()) : context.RunOnWorkers(work);
    }
}
