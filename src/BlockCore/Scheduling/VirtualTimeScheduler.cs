using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// A world of contexts on one thread and one virtual clock: nothing takes time but waiting, and the order of everything is
/// decided here. As it is, it runs in order of arrival and in exact time; a simulator overrides the choices.
/// </summary>
public class VirtualTimeScheduler : IDisposable
{
    private readonly List<VirtualTimeAioContext> _contexts = [];
    private readonly List<ReadyItem> _ready = [];

    /// <summary>A world whose clock stands at zero.</summary>
    public VirtualTimeScheduler() => MainContext = CreateContext("main");

    /// <summary>The context that the graph is changed on.</summary>
    public VirtualTimeAioContext MainContext { get; }

    /// <summary>The virtual clock, in nanoseconds since the world began.</summary>
    public long NowNs { get; private set; }

    /// <summary>How many pieces of work have run.</summary>
    public long StepCount { get; private set; }

    /// <summary>The most pieces of work a run may take before it counts as a livelock; null for no limit.</summary>
    public long? StepCountMax { get; init; }

    /// <summary>Adds a context to the world, as an I/O thread would be.</summary>
    public VirtualTimeAioContext CreateContext(string name)
    {
        VirtualTimeAioContext context = NewContext(name);
        _contexts.Add(context);
        return context;
    }

    /// <summary>Runs the world until <paramref name="body"/>, started on the main context, has completed.</summary>
    public void Run(Func<Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        MainContext.Run(body);
    }

    /// <summary>Runs the world until nothing is ready and no timer is armed.</summary>
    public void RunUntilIdle()
    {
        while (TryStep())
        {
        }
    }

    /// <summary>Runs one piece of ready work, or moves the clock to the next timer. False where there is neither.</summary>
    public bool TryStep()
    {
        Collect();
        if (_ready.Count == 0)
        {
            long? next = null;
            foreach (VirtualTimeAioContext context in _contexts)
            {
                if (context.NextDeadlineNs is { } deadline && (next is null || deadline < next))
                {
                    next = deadline;
                }
            }

            if (next is null)
            {
                return false;
            }

            NowNs = Math.Max(NowNs, next.Value);
            Collect();
        }

        int index = ChooseNext(_ready.Count);
        ReadyItem item = _ready[index];
        _ready.RemoveAt(index);
        StepCount++;
        if (StepCount > StepCountMax)
        {
            Invariant.Fail($"the step budget of {StepCountMax} is used up: a livelock");
        }

        OnStep(item.Context.Index, index, _ready.Count + 1);
        item.Run();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the contexts of this world.</summary>
    protected virtual void Dispose(bool disposing)
    {
        foreach (VirtualTimeAioContext context in _contexts)
        {
            context.Dispose();
        }
    }

    /// <summary>Makes a context of this world; a simulator makes its own kind.</summary>
    protected virtual VirtualTimeAioContext NewContext(string name) => new(this, name);

    /// <summary>Which of <paramref name="count"/> ready pieces of work runs next; the first in order of arrival here.</summary>
    protected virtual int ChooseNext(int count) => 0;

    /// <summary>How many nanoseconds late a timer fires that is armed now; none here.</summary>
    protected internal virtual long ChooseLatenessNs() => 0;

    /// <summary>How many nanoseconds a worker takes over a job that is submitted now; none here.</summary>
    protected internal virtual long ChooseJobNs() => 0;

    /// <summary>A piece of work is about to run: of context <paramref name="contextIndex"/>, chosen at <paramref name="choice"/> of <paramref name="count"/>.</summary>
    protected virtual void OnStep(int contextIndex, int choice, int count)
    {
    }

    internal int NextContextIndex => _contexts.Count;

    internal void AddJob(VirtualTimeAioContext context, AioWork job) => _ready.Add(new ReadyItem(context, job, true));

    private void Collect()
    {
        foreach (VirtualTimeAioContext context in _contexts)
        {
            for (AioWork? work = context.TakeAllReady(); work is not null;)
            {
                AioWork? next = work.NextWork;
                work.NextWork = null;
                _ready.Add(new ReadyItem(context, work, false));
                work = next;
            }
        }
    }

    /// <summary>A piece of work and whose it is; a job runs outside of every context, as on a worker.</summary>
    private readonly record struct ReadyItem(VirtualTimeAioContext Context, AioWork Work, bool IsJob)
    {
        public void Run()
        {
            if (IsJob)
            {
                AioContext.Entry saved = AioContext.EnterNone();
                try
                {
                    ((IWorkerWork)Work).ExecuteOnWorker();
                    Context.Send(Work);
                }
                finally
                {
                    AioContext.Leave(saved);
                }

                return;
            }

            AioContext.Entry entry = Context.Enter();
            try
            {
                Context.StartStep();
                Work.Run();
            }
            finally
            {
                AioContext.Leave(entry);
            }
        }
    }
}
