namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// The process's worker threads. Jobs come in batches (one loop turn's worth) and wake as many workers as they need; a worker
/// that finds nothing for a while ends. <i>QEMU: ThreadPool.</i>
/// </summary>
internal sealed class WorkerPool(int threadCountMax)
{
    private const int IdleMs = 10_000;

    // Protects every field below, and is what idle workers wait on (a Lock cannot be waited on).
    private readonly object _idle = new();
    private AioWork? _head;
    private AioWork? _tail;
    private int _queuedCount;
    private int _threadCount;
    private int _idleCount;
    private int _nameCounter;

    /// <summary>The pool that every context of the process shares. O_DIRECT wants depth, processors want few: 16 serves both.</summary>
    public static WorkerPool Shared { get; } = new(Math.Max(16, Environment.ProcessorCount));

    /// <summary>How many worker threads live now.</summary>
    public int ThreadCount
    {
        get
        {
            lock (_idle)
            {
                return _threadCount;
            }
        }
    }

    /// <summary>Takes a linked batch of <paramref name="count"/> jobs: work that is <see cref="IWorkerWork"/>.</summary>
    public void Submit(AioWork head, AioWork tail, int count)
    {
        lock (_idle)
        {
            if (_tail is null)
            {
                _head = head;
            }
            else
            {
                _tail.NextWork = head;
            }

            _tail = tail;
            _queuedCount += count;
            for (int wakes = Math.Min(count, _idleCount); wakes > 0; wakes--)
            {
                Monitor.Pulse(_idle);
            }

            while (_queuedCount > _idleCount && _threadCount < threadCountMax)
            {
                StartWorkerUnsynchronized();
            }
        }
    }

    private void StartWorkerUnsynchronized()
    {
        _threadCount++;
        _idleCount++;
        new Thread(Work) { IsBackground = true, Name = $"blockgraph-worker-{_nameCounter++}" }.Start();
    }

    private void Work()
    {
        while (TakeJob() is { } work)
        {
            IWorkerWork job = (IWorkerWork)work;
            job.ExecuteOnWorker();
            lock (_idle)
            {
                // Before the job goes home: its awaiter often submits the next one at once, and would start another worker.
                _idleCount++;
            }

            job.Context.Send(work);
        }
    }

    // A worker counts as idle here, and from the end of its last job on; it starts its life so.
    private AioWork? TakeJob()
    {
        lock (_idle)
        {
            while (_head is null)
            {
                if (!Monitor.Wait(_idle, IdleMs) && _head is null)
                {
                    _idleCount--;
                    _threadCount--;
                    return null;
                }
            }

            AioWork job = _head;
            _head = job.NextWork;
            _tail = _head is null ? null : _tail;
            job.NextWork = null;
            _queuedCount--;
            _idleCount--;
            return job;
        }
    }
}
