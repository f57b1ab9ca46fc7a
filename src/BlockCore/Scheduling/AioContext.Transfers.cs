using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <content>What is done elsewhere for a context: work that blocks, and transfers of files.</content>
public abstract partial class AioContext
{
    /// <summary>The transfers of files that were begun here and are not under way yet.</summary>
    internal TransferQueue Transfers => field ??= new TransferQueue(this);

    /// <summary>Runs <paramref name="job"/> on a worker thread; its task completes here. For calls that block or compute. At home.</summary>
    public ValueTask RunOnWorkers(WorkerJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        Invariant.Check(IsHome);
        ValueTask task = job.Task;
        SendToWorkers(job);
        return task;
    }

    /// <summary>Has <paramref name="work"/>, which is <see cref="IWorkerWork"/>, done by a worker. At home.</summary>
    internal abstract void SendToWorkers(AioWork work);

    /// <summary>Which transfers of files may be carried out on the loop itself.</summary>
    internal virtual LoopTransfers LoopTransfers => LoopTransfers.None;

    /// <summary>True where the kernel carries transfers out for this context by a ring, as far as is known.</summary>
    internal virtual bool HasRing => false;

    /// <summary>How many runs the kernel is carrying out for this context.</summary>
    internal virtual int IssuedCount => 0;

    /// <summary>Gives a pinned run to the kernel, which reports its end here; false where that is not possible. At home.</summary>
    internal virtual bool TryIssue(TransferRun run, TransferRoute route) => false;

    /// <summary>No run is issued any more in this turn.</summary>
    internal virtual void SubmitIssued()
    {
    }
}
