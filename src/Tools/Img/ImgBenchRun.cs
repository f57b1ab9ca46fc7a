using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Img;

/// <summary>
/// One load of <c>img bench</c>: requests one step behind the other, from the image's start again at its end, as many under way as
/// there are slots. Everything runs on the backend's context, and nothing is allocated for a request.
/// </summary>
internal sealed class ImgBenchRun
{
    // A request may complete inside its submission; after so many in a row the loop gets a turn.
    private const int ImmediateCountMax = 32;
    private const int BufferAlignmentBytes = 4096;

    // What a slot takes beside its buffer, about: so many requests at once as no memory holds are refused.
    private const int SlotBytes = 256;

    private readonly BlockBackend _backend;
    private readonly ImgBenchLoad _load;
    private readonly ImgName _name;
    private readonly CancellationToken _cancel;
    private readonly long _lengthBytes;
    private readonly int _stepBytes;
    private readonly ImgBenchSlot[] _slots;

    // By index: storing references in an array costs the garbage collector's barrier for each request.
    private readonly int[] _free;

    // With flushes, what completes inside its submission completes after the others that can be submitted: so a flush comes when as many
    // requests are under way as there are slots, whatever storage answers at once.
    private readonly Queue<ImgBenchSlot>? _finished;
    private readonly TaskCompletionSource _requestsOver = new();
    private readonly Action _onTurn;
    private ValueTaskAwaiter _turn;
    private Task _lastFlush = Task.CompletedTask;
    private Exception? _failure;
    private int _freeCount;
    private int _toSubmitCount;
    private int _inFlightCount;
    private long _offset;
    private bool _isFilling;
    private bool _isHeldForFlush;
    private bool _isTurnPending;

    /// <summary>Prepares <paramref name="load"/> on <paramref name="backend"/>.</summary>
    /// <param name="backend">Where to.</param>
    /// <param name="load">What.</param>
    /// <param name="name">Whose texts failures have.</param>
    /// <param name="cancel">Ends it: no more requests are submitted, and those under way are waited for.</param>
    /// <exception cref="BlockException">There is no memory for so many buffers.</exception>
    public ImgBenchRun(BlockBackend backend, ImgBenchLoad load, ImgName name, CancellationToken cancel = default)
    {
        _cancel = cancel;
        _name = name;
        _backend = backend;
        _load = load;
        _lengthBytes = backend.LengthBytes;
        _toSubmitCount = load.RequestCount;
        _offset = load.OffsetBytes;
        _onTurn = OnTurn;
        _stepBytes = load.EffectiveStepBytes;
        _slots = CreateSlots();
        _free = [.. Enumerable.Range(0, _slots.Length).Reverse()];
        _freeCount = _free.Length;
        _finished = load.FlushInterval > 0 ? new Queue<ImgBenchSlot>(_slots.Length) : null;
    }

    /// <summary>Drives the load; complete when the last request is, though a flush may still be under way.</summary>
    /// <exception cref="BlockException">A request has failed; none was submitted after that.</exception>
    public async Task RunAsync()
    {
        Fill();
        await _requestsOver.Task;
        ThrowIfFailed();
    }

    /// <summary>Waits for the flushes that are under way after the last request.</summary>
    /// <exception cref="BlockException">One has failed.</exception>
    public async Task FinishFlushesAsync()
    {
        await _lastFlush;
        ThrowIfFailed();
    }

    /// <summary>The request in <paramref name="slot"/>, which was under way, has completed.</summary>
    public void OnDone(ImgBenchSlot slot)
    {
        Take(slot);
        Fill();
    }

    private ImgBenchSlot[] CreateSlots()
    {
        long bytes = (long)_load.SlotCount * _load.SizeBytes;
        if (bytes + ((long)_load.SlotCount * SlotBytes) > Array.MaxLength)
        {
            throw NoMemory(null);
        }

        try
        {
            Memory<byte> memory = AlignedBuffer.Allocate((int)bytes, BufferAlignmentBytes);
            memory.Span.Fill(_load.Pattern);
            ImgBenchSlot[] slots = new ImgBenchSlot[_load.SlotCount];
            for (int i = 0; i < slots.Length; i++)
            {
                slots[i] = new ImgBenchSlot(this, i, memory.Slice(i * _load.SizeBytes, _load.SizeBytes));
            }

            return slots;
        }
        catch (OutOfMemoryException failure)
        {
            throw NoMemory(failure);
        }
    }

    private BlockException NoMemory(Exception? failure) =>
        new(BlockErrorKind.TooLarge, $"Cannot allocate {_load.SlotCount} buffers of {_load.SizeBytes} bytes", failure);

    // Requests that wait complete from the loop's own frame, and others here: nothing recurses.
    private void Fill()
    {
        if (_isFilling)
        {
            return;
        }

        if (_cancel.IsCancellationRequested)
        {
            Stop(new OperationCanceledException(_cancel), "");
        }

        _isFilling = true;
        SubmitWhilePossible();
        _isFilling = false;
        if (_toSubmitCount == 0 && _inFlightCount == 0)
        {
            _requestsOver.TrySetResult();
        }
    }

    private void SubmitWhilePossible()
    {
        int immediateCount = 0;
        while (true)
        {
            if (immediateCount == ImmediateCountMax)
            {
                if (WaitForTurn())
                {
                    return;
                }

                immediateCount = 0;
            }

            if (_toSubmitCount > 0 && _freeCount > 0 && !_isHeldForFlush)
            {
                ImgBenchSlot slot = _slots[_free[--_freeCount]];
                _toSubmitCount--;
                _inFlightCount++;
                if (slot.Submit(_backend, _load.IsWrite, TakeOffset()))
                {
                    continue;
                }

                if (_finished is null)
                {
                    immediateCount++;
                    Take(slot);
                }
                else
                {
                    _finished.Enqueue(slot);
                }
            }
            else if (_finished is not null && _finished.TryDequeue(out ImgBenchSlot? finished))
            {
                immediateCount++;
                Take(finished);
            }
            else
            {
                return;
            }
        }
    }

    private bool WaitForTurn()
    {
        _isTurnPending = _isTurnPending || Hook(_backend.Context.YieldAsync());
        return _isTurnPending;
    }

    private bool Hook(ValueTask turn)
    {
        _turn = turn.GetAwaiter();
        if (_turn.IsCompleted)
        {
            _turn.GetResult();
            return false;
        }

        _turn.UnsafeOnCompleted(_onTurn);
        return true;
    }

    private void OnTurn()
    {
        _isTurnPending = false;
        _turn.GetResult();
        Fill();
    }

    // The first request lies where the user says, even behind the end; the others go round.
    private long TakeOffset()
    {
        long offset = _offset;
        ulong next = (ulong)offset + (ulong)_stepBytes;
        _offset = next < (ulong)_lengthBytes ? (long)next : _lengthBytes == 0 ? 0 : (long)(next % (ulong)_lengthBytes);
        return offset;
    }

    private void Take(ImgBenchSlot slot)
    {
        try
        {
            slot.TakeResult();
        }
        catch (Exception failure)
        {
            Stop(failure, "Failed request: ");
        }

        _free[_freeCount++] = slot.Index;
        _inFlightCount--;
        if (_load.FlushInterval > 0 && _toSubmitCount % _load.FlushInterval == 0 && _failure is null)
        {
            FlushNow();
        }
    }

    private void FlushNow()
    {
        _isHeldForFlush = _load.DrainsToFlush;
        if (!_load.DrainsToFlush || _inFlightCount == 0)
        {
            _lastFlush = FlushAfter(_lastFlush);
        }
    }

    // A flush that goes beside requests goes beside other flushes, too.
    private async Task FlushAfter(Task earlier)
    {
        try
        {
            await _backend.FlushAsync();
        }
        catch (Exception failure)
        {
            Stop(failure, _load.DrainsToFlush ? "Failed request: " : "Failed flush request: ");
        }

        if (_load.DrainsToFlush)
        {
            _isHeldForFlush = false;
            Fill();
        }

        await earlier;
    }

    private void Stop(Exception failure, string context)
    {
        _toSubmitCount = 0;
        _failure ??= failure is BlockException refused ? new BlockException(refused.Kind, context + _name.TextOf(refused), refused) : failure;
    }

    private void ThrowIfFailed()
    {
        if (_failure is not null)
        {
            ExceptionDispatchInfo.Throw(_failure);
        }
    }
}
