using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Bench;

/// <summary>One loop of a load: it submits a request, and the next one when that has completed.</summary>
/// <remarks>
/// Written out instead of as an async method: the compiler's machinery captures the execution context at every await, which is
/// a tenth of what a request through a null node costs. Requests complete from the loop's own frame, so nothing recurses.
/// </remarks>
internal sealed class BenchWorker
{
    // A request may complete inside its submission; after so many in a row the loop gets a turn.
    private const int ImmediateCountMax = 32;
    private const int BufferAlignmentBytes = 4096;
    private const byte WritePattern = 0xa5;

    private readonly BenchRun _run;
    private readonly BlockBackend _backend;
    private readonly IoVector _buffer;
    private readonly CancellationToken _cancel;
    private readonly TaskCompletionSource _over = new();
    private readonly Action _onRequestDone;
    private readonly Action _onTurn;
    private ValueTaskAwaiter _pending;
    private long _startNs;

    /// <summary>A loop that has not begun.</summary>
    /// <param name="run">Decides what comes next, and hears what is done.</param>
    /// <param name="backend">Where to.</param>
    /// <param name="sizeBytes">The length of every request.</param>
    /// <param name="cancel">Cuts short what waits.</param>
    public BenchWorker(BenchRun run, BlockBackend backend, int sizeBytes, CancellationToken cancel)
    {
        Memory<byte> memory = AlignedBuffer.Allocate(sizeBytes, BufferAlignmentBytes);
        memory.Span.Fill(WritePattern);
        _run = run;
        _backend = backend;
        _buffer = memory;
        _cancel = cancel;
        _onRequestDone = OnRequestDone;
        _onTurn = OnTurn;
    }

    /// <summary>Begins; the task is complete when the run has nothing more to do, and fails with the first request that does.</summary>
    public Task RunAsync()
    {
        Advance();
        return _over.Task;
    }

    private void OnRequestDone()
    {
        if (TryTakeResult())
        {
            Advance();
        }
    }

    private void OnTurn()
    {
        _pending.GetResult();
        Advance();
    }

    private void Advance()
    {
        int immediateCount = 0;
        while (_run.TryNext(out long offset, out bool isRead))
        {
            _startNs = _backend.Context.NowNs;
            bool isPending = isRead
                ? Hook(_backend.ReadAsync(offset, _buffer, RequestFlags.None, _cancel), _onRequestDone)
                : Hook(_backend.WriteAsync(offset, _buffer, RequestFlags.None, _cancel), _onRequestDone);
            if (isPending || !TryTakeResult())
            {
                return;
            }

            if (++immediateCount == ImmediateCountMax && Hook(_backend.Context.YieldAsync(), _onTurn))
            {
                return;
            }
        }

        _over.TrySetResult();
    }

    /// <summary>Keeps <paramref name="task"/>; true where it is still to complete, and will then call <paramref name="onDone"/>.</summary>
    private bool Hook(ValueTask task, Action onDone)
    {
        _pending = task.GetAwaiter();
        if (_pending.IsCompleted)
        {
            return false;
        }

        _pending.UnsafeOnCompleted(onDone);
        return true;
    }

    private bool TryTakeResult()
    {
        try
        {
            _pending.GetResult();
            _run.OnRequestDone(_startNs);
            return true;
        }
        catch (OperationCanceledException)
        {
            // The load is over; the request had no effect.
            _over.TrySetResult();
        }
        catch (Exception failure)
        {
            // Whatever it is, the run's caller gets it.
            _run.Stop();
            _over.TrySetException(failure);
        }

        return false;
    }
}
