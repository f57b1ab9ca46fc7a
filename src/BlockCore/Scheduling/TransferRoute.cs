namespace BlockGraph.BlockCore.Scheduling;

/// <summary>The way that a run of transfers takes to its file.</summary>
internal enum TransferRoute
{
    /// <summary>A worker of its own.</summary>
    Worker,

    /// <summary>One worker, together with the other runs of this turn that go this way: they would only wait for each other.</summary>
    SharedWorker,

    /// <summary>The loop's own thread.</summary>
    Loop,

    /// <summary>The loop's own thread, where the page cache has it all; else one that waits.</summary>
    LoopIfCached,

    /// <summary>The context's ring (io_uring).</summary>
    Ring,

    /// <summary>The context's queue of Linux native AIO.</summary>
    NativeAio,
}
