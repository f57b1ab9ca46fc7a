using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// The transfers that one context has begun since it last looked: it joins neighbours into runs and sends each run its way. It looks once a turn, so that a
/// loop that is kept busy pays for one system call, or one hand-over, where it would have paid for many.
/// </summary>
/// <remarks>Order: transfers under way at the same time have none among each other. A flush covers the writes that had completed before it began, and no run reaches across it.</remarks>
internal sealed class TransferQueue(AioContext context) : AioWork
{
    private readonly List<TransferRun> _runs = [];
    private FreeStack _free = new();
    private HostTransfer? _first;
    private HostTransfer? _last;
    private TransferRun? _sharedFirst;
    private TransferRun? _sharedLast;
    private bool _isQueued;

    /// <summary>Whose transfers they are.</summary>
    public AioContext Context { get; } = context;

    /// <summary>How many calls have moved more than one transfer.</summary>
    public long JointCount { get; private set; }

    /// <summary>Takes a transfer on. At home.</summary>
    public void Add(HostTransfer transfer)
    {
        transfer.NextTransfer = null;
        if (_last is null)
        {
            _first = transfer;
        }
        else
        {
            _last.NextTransfer = transfer;
        }

        _last = transfer;
        if (!_isQueued)
        {
            _isQueued = true;
            Context.Ready(this);
        }
    }

    /// <summary>Returns a run whose transfers are about to complete.</summary>
    public void Free(TransferRun run) => _free.Return(run);

    /// <summary>Has each transfer of <paramref name="run"/> carried out by itself, where it may take its time.</summary>
    public void CarryOutSlowly(TransferRun run)
    {
        if (Context.LoopTransfers == LoopTransfers.Any)
        {
            run.CarryOut();
            run.Run();
            return;
        }

        Context.SendToWorkers(run);
    }

    /// <inheritdoc/>
    protected internal override void Run()
    {
        _isQueued = false;
        Join();
        int count = _runs.Count;
        for (int i = 0; i < count; i++)
        {
            Issue(_runs[i], count);
        }

        _runs.Clear();
        if (_sharedFirst is { } shared)
        {
            _sharedFirst = null;
            _sharedLast = null;
            Context.SendToWorkers(shared);
        }

        Context.SubmitIssued();
    }

    private void Join()
    {
        HostTransfer? transfer = _first;
        _first = null;
        _last = null;
        TransferRun? run = null;
        while (transfer is not null)
        {
            HostTransfer? next = transfer.NextTransfer;
            transfer.NextTransfer = null;
            if (run is null || !run.TryAppend(transfer))
            {
                run = Unsafe.As<TransferRun?>(_free.TryTake()) ?? new TransferRun(this);
                run.Start(transfer);
                _runs.Add(run);
            }
            else if (run.Count == 2)
            {
                JointCount++;
            }

            transfer = next;
        }
    }

    private void Issue(TransferRun run, int runCount)
    {
        TransferRoute route = run.File.ChooseRoute(run, runCount, Context);
        switch (route)
        {
            case TransferRoute.Loop:
                run.CarryOut();
                run.Run();
                return;

            case TransferRoute.LoopIfCached:
                if (run.File.TryTransfer(run, mayWait: false))
                {
                    run.IsJoint = true;
                    run.Result = run.LengthBytes;
                    run.Run();
                    return;
                }

                route = run.File.RouteOfMisses;
                break;
        }

        if (route is TransferRoute.Ring or TransferRoute.NativeAio && run.TryPin())
        {
            run.IsJoint = true;
            if (Context.TryIssue(run, route))
            {
                return;
            }

            run.IsJoint = false;
            run.Unpin();
        }

        SendToWorker(run, isShared: route == TransferRoute.SharedWorker);
    }

    private void SendToWorker(TransferRun run, bool isShared)
    {
        if (!isShared)
        {
            Context.SendToWorkers(run);
            return;
        }

        if (_sharedLast is null)
        {
            _sharedFirst = run;
        }
        else
        {
            _sharedLast.NextRun = run;
        }

        _sharedLast = run;
    }
}
