using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Images;

/// <summary>One conversion under way: what its slots share. On the target's context.</summary>
/// <remarks>
/// (1) Chunks are numbered as they are cut; in order, the one whose number is <c>_turn</c> writes. (2) After the first failure no slot begins anything, and those that wait for their turn
/// leave. (3) The run is over when every slot is: nothing is under way then.
/// </remarks>
internal sealed class ConversionRun
{
    // Where everything completes at once the loop gets a turn after so many chunks.
    private const int ImmediateCountMax = 32;

    // Who looks at progress is told of each extent, and of a long one in such pieces.
    private const long ReportBytes = 2 << 20;

    private readonly IReadOnlyList<BlockBackend> _sources;
    private readonly ConversionMap _map;
    private readonly CoMutex _mapLock = new();
    private readonly CoQueue _turns = new();
    private readonly ImageRateLimit _rate;
    private readonly IProgress<ImageProgress>? _progress;
    private readonly AioContext _context;
    private bool _hasFailed;
    private long _totalBytes;
    private long _doneBytes;
    private long _unreportedBytes;
    private long _nextNumber;
    private long _turn;
    private long _chunkCount;
    private long _dataBytes;
    private long _offloadedBytes;
    private long _zeroBytes;
    private long _unallocatedBytes;
    private long _unreadableBytes;

    public ConversionRun(IReadOnlyList<BlockBackend> sources, BlockBackend target, ConversionPlan plan, IProgress<ImageProgress>? progress, CancellationToken cancel)
    {
        _sources = sources;
        Target = target;
        Plan = plan;
        _progress = progress;
        Cancel = cancel;
        _context = target.Context;
        _map = new ConversionMap(sources, plan);
        _rate = new ImageRateLimit(plan.Options.RateBytesPerSecond);
        IsOffloading = plan.Options.OffloadsCopies;
    }

    /// <summary>Where to.</summary>
    public BlockBackend Target { get; }

    /// <summary>The sizes.</summary>
    public ConversionPlan Plan { get; }

    /// <summary>Ends it.</summary>
    public CancellationToken Cancel { get; }

    /// <summary>The drivers have copied everything that they were asked to, so far.</summary>
    public bool IsOffloading { get; set; }

    /// <summary>Converts.</summary>
    public async Task<ImageConversionResult> RunAsync()
    {
        if (_progress is not null)
        {
            await CountAsync();
            Report(0);
        }

        await ZeroBeforehandAsync();
        Task[] slots = new Task[Plan.SlotCount];
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = RunSlotAsync();
        }

        await Task.WhenAll(slots);
        Invariant.Check(_turn == _nextNumber);
        return new ImageConversionResult(_dataBytes, _offloadedBytes, _zeroBytes, _unallocatedBytes, _unreadableBytes);
    }

    /// <summary>The next chunk that something is to be done for, and its number; null where there is none, or no more is to be begun.</summary>
    public async ValueTask<(ConversionChunk Chunk, long Number)?> TakeAsync()
    {
        await _mapLock.EnterAsync();
        try
        {
            while (!_hasFailed)
            {
                Cancel.ThrowIfCancellationRequested();
                if (++_chunkCount % ImmediateCountMax == 0)
                {
                    await _context.YieldAsync();
                }

                if (await _map.NextAsync(Cancel) is not { } chunk)
                {
                    return null;
                }

                if (!IsSkipped(chunk))
                {
                    return (chunk, _nextNumber++);
                }
            }

            return null;
        }
        finally
        {
            _mapLock.Exit();
        }
    }

    /// <summary>Waits until the chunk may be written, and for the speed limit. False: something has failed, and nothing is to be written.</summary>
    public async ValueTask<bool> WaitForTurnAsync(long number, ConversionChunk chunk)
    {
        while (!Plan.Options.WritesOutOfOrder && _turn != number && !_hasFailed)
        {
            await _turns.WaitAsync();
        }

        if (!_hasFailed && chunk.Kind == ConversionKind.Data)
        {
            await _rate.TakeAsync(_context, chunk.LengthBytes, Cancel);
        }

        return !_hasFailed;
    }

    /// <summary>A chunk is written.</summary>
    public void EndTurn(ConversionChunk chunk)
    {
        _turn++;
        _turns.WakeAll();
        _unreportedBytes += chunk.Kind == ConversionKind.Zero && !Plan.WritesZeroesAsData ? 0 : chunk.LengthBytes;
        if (chunk.EndsExtent || _unreportedBytes >= ReportBytes)
        {
            Report(_unreportedBytes);
            _unreportedBytes = 0;
        }
    }

    /// <summary>So much was written as data.</summary>
    public void CountData(long bytes) => _dataBytes += bytes;

    /// <summary>So much was copied by the drivers.</summary>
    public void CountOffloaded(long bytes) => _offloadedBytes += bytes;

    /// <summary>So much is zeros.</summary>
    public void CountZeroes(long bytes) => _zeroBytes += bytes;

    /// <summary>A range is zeros because it could not be read.</summary>
    public void CountUnreadable(UnreadableRange range)
    {
        _unreadableBytes += range.LengthBytes;
        Plan.Options.OnUnreadable?.Invoke(range);
    }

    /// <summary>Makes a range of the target read as zeros, by as little as that takes.</summary>
    public async ValueTask ZeroAsync(long offset, long length)
    {
        // Behind a backing node's end nothing need be written; before it, zeros must hide it.
        long written = Math.Clamp(Plan.NewZeroesFrom - offset, 0, length);
        CountZeroes(length);
        if (written > 0)
        {
            try
            {
                await Target.WriteZeroesAsync(offset, written, RequestFlags.MayUnmap, Cancel);
            }
            catch (BlockException error)
            {
                throw error.Prefixed($"error while writing at byte {offset}: ");
            }
        }
    }

    // A slot that fails ends the others, too: those that wait for their turn leave.
    private async Task RunSlotAsync()
    {
        bool hasEnded = false;
        try
        {
            await new ConversionSlot(this).RunAsync();
            hasEnded = true;
        }
        finally
        {
            _hasFailed |= !hasEnded;
            _turns.WakeAll();
        }
    }

    // Nothing to do: the target's backing node has it, or the target reads as zeros.
    private bool IsSkipped(ConversionChunk chunk)
    {
        if (chunk.Kind == ConversionKind.Unallocated)
        {
            _unallocatedBytes += chunk.LengthBytes;
            return true;
        }

        if (chunk.Kind == ConversionKind.Zero && !Plan.WritesZeroesAsData && chunk.TargetOffset >= Plan.NewZeroesFrom)
        {
            _zeroBytes += chunk.LengthBytes;
            return true;
        }

        return false;
    }

    // What is to be moved; asked of the drivers a second time, for a person's sake.
    private async ValueTask CountAsync()
    {
        ConversionMap map = new(_sources, Plan);
        for (int count = 1; await map.NextAsync(Cancel) is { } chunk; count++)
        {
            Cancel.ThrowIfCancellationRequested();
            _totalBytes += chunk.Kind == ConversionKind.Data || (chunk.Kind == ConversionKind.Zero && Plan.WritesZeroesAsData) ? chunk.LengthBytes : 0;
            if (count % ImmediateCountMax == 0)
            {
                await _context.YieldAsync();
            }
        }
    }

    // One request for all zeros that there are, where the driver has a way that allocates nothing.
    private async ValueTask ZeroBeforehandAsync()
    {
        ImageConversionOptions options = Plan.Options;
        if (options.TargetIsNew || options.TargetHasBacking || options.TakesAllocatedOnly || Plan.WritesZeroesAsData || Target.Root is not { Settings.DiscardUnmap: true })
        {
            return;
        }

        try
        {
            await Target.WriteZeroesAsync(0, Plan.TotalBytes, RequestFlags.MayUnmap | RequestFlags.NoFallback, Cancel);
            Plan.NewZeroesFrom = 0;
        }
        catch (BlockException refusal) when (refusal.Kind == BlockErrorKind.NotSupported)
        {
            // Then zeros are written where they belong.
        }
    }

    private void Report(long bytes)
    {
        _doneBytes += bytes;
        _progress?.Report(new ImageProgress(_doneBytes, _totalBytes));
    }
}
