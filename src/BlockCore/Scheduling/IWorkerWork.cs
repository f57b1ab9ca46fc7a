namespace BlockGraph.BlockCore.Scheduling;

/// <summary>A piece of work whose first half is done on a worker thread; then it goes home, where it is run.</summary>
internal interface IWorkerWork
{
    /// <summary>Where it goes afterwards.</summary>
    AioContext Context { get; }

    /// <summary>Does the first half. It may block; it must not throw.</summary>
    void ExecuteOnWorker();
}
