using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Images;

/// <summary>One conversion under way: what its slots share. On the target's context; slots may be on others, too.</summary>
/// <remarks>
/// (1) Chunks are numbered as they are cut; in order, they write by turns. (2) After the first failure no slot begins anything, and those that wait for their turn leave. (3) The run is over
/// when every slot is: nothing is under way then. (4) What slots of several contexts touch is under a lock, or a counter of its own.
/// </remarks>
internal sealed class ConversionRun
{
    // Where everything completes at once the loop gets a turn after so many chunks.
    private const int ImmediateCountMax = 32;

    // Who looks at progress is told of each extent, and of a long one in such pieces.
    private const long ReportBytes = 2 << 20;

    private readonly IReadOnlyList<BlockBackend> _sources;
    private ConversionMap _map;
    private readonly CoMutex _mapLock = new();
    private readonly ConversionTurns _turns;
    private readonly ImageRateLimit _rate;
    private readonly IProgress<ImageProgress>? _progress;
    private readonly AioContext _context;
    private readonly Lock _reportLock = new();
    private readonly List<(BlockBackend Backend, AioContext Context)> _guests = [];
    private volatile bool _hasFailed;
    private volatile bool _isOffloading;
    private long _totalBytes;
    private long _doneBytes;

    // Protected by _reportLock.
    private long _unreportedBytes;
    private readonly Queue<long> _dueBytes = [];

    // Protected by _mapLock.
    private long _nextNumber;
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
        _turns = new ConversionTurns(plan.SlotCount);
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
    public bool IsOffloading
    {
        get => _isOffloading;
        set => _isOffloading = value;
    }

    /// <summary>Nothing is to be begun any more.</summary>
    public bool HasFailed => _hasFailed;

    /// <summary>Converts.</summary>
    public async Task<ImageConversionResult> RunAsync()
    {
        if (_progress is not null && Plan.Options.CountsBeforehand)
        {
            await CountAsync();
        }
        else
        {
            _totalBytes = Plan.TotalBytes;
        }

        Report(0);

        await ZeroBeforehandAsync();
        await RunLanesAsync();
        Invariant.Check(_turns.EndedCount == _nextNumber);
        ReportRest();
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
                    await AioContext.Current!.YieldAsync();
                }

                if (await _map.NextAsync(Cancel) is not { } chunk)
                {
                    return null;
                }

                if (!IsSkipped(chunk))
                {
                    return (chunk, _nextNumber++);
                }

                PassOver(chunk);
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
        if (!Plan.Options.WritesOutOfOrder)
        {
            await _turns.WaitAsync(number);
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
        _turns.End();
        lock (_reportLock)
        {
            _unreportedBytes += CountOf(chunk);
            if (_progress is null || !(chunk.EndsExtent || _unreportedBytes >= ReportBytes))
            {
                return;
            }

            // Each step is told of, though several end before the context comes to it.
            _dueBytes.Enqueue(_unreportedBytes);
            _unreportedBytes = 0;
        }

        if (_context.IsHome)
        {
            ReportDue();
        }
        else
        {
            _context.Post(static run => ((ConversionRun)run!).ReportDue(), this);
        }
    }

    /// <summary>A slot has failed: nothing is begun any more, and who waits for a turn leaves.</summary>
    public void GiveUp()
    {
        _hasFailed = true;
        _turns.GiveUp();
    }

    /// <summary>So much was written as data.</summary>
    public void CountData(long bytes) => Interlocked.Add(ref _dataBytes, bytes);

    /// <summary>So much was copied by the drivers.</summary>
    public void CountOffloaded(long bytes) => Interlocked.Add(ref _offloadedBytes, bytes);

    /// <summary>So much is zeros.</summary>
    public void CountZeroes(long bytes) => Interlocked.Add(ref _zeroBytes, bytes);

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

    private async Task RunLanesAsync()
    {
        try
        {
            await InviteAsync(_sources, Plan.Contexts);
            await InviteAsync([Target], Plan.WriteContext is { } other ? [other] : Plan.Contexts);
            await Task.WhenAll(Plan.Contexts.Select((context, i) => context.RunAsync(new ConversionLane(this, context, Plan.SlotCountOf(i)).RunAsync)));
        }
        finally
        {
            foreach ((BlockBackend backend, AioContext context) in _guests)
            {
                await backend.RemoveSubmitterAsync(context);
            }
        }
    }

    // The contexts submit to the backends for the time of the run.
    private async Task InviteAsync(IReadOnlyList<BlockBackend> backends, IReadOnlyList<AioContext> contexts)
    {
        foreach (BlockBackend backend in backends)
        {
            foreach (AioContext context in contexts.Where(context => backend.Context != context && !backend.Submitters.Contains(context)))
            {
                await backend.AddSubmitterAsync(context);
                _guests.Add((backend, context));
            }
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
            CountZeroes(chunk.LengthBytes);
            return true;
        }

        return false;
    }

    // Told of with the next chunk that is written: it took no time.
    private void PassOver(ConversionChunk chunk)
    {
        lock (_reportLock)
        {
            _unreportedBytes += CountOf(chunk);
        }
    }

    private long CountOf(ConversionChunk chunk) =>
        !Plan.Options.CountsBeforehand || (chunk.Kind == ConversionKind.Zero && Plan.WritesZeroesAsData) ? chunk.LengthBytes
        : chunk.Kind == ConversionKind.Data ? chunk.SaidBytes
        : 0;

    // What is to be moved, for a person's sake.
    private async ValueTask CountAsync()
    {
        for (int count = 1; await _map.NextAsync(Cancel) is { } chunk; count++)
        {
            Cancel.ThrowIfCancellationRequested();
            _totalBytes += CountOf(chunk);
            if (count % ImmediateCountMax == 0)
            {
                await _context.YieldAsync();
            }
        }

        _map = _map.Again();
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

    // Posted by slots of other contexts, it may come late: the one before has reported it all then.
    private void ReportDue()
    {
        while (true)
        {
            long bytes;
            lock (_reportLock)
            {
                if (!_dueBytes.TryDequeue(out bytes))
                {
                    return;
                }
            }

            Report(bytes);
        }
    }

    // Out of order the end of an extent may be written before the rest of it.
    private void ReportRest()
    {
        lock (_reportLock)
        {
            if (_unreportedBytes > 0)
            {
                _dueBytes.Enqueue(_unreportedBytes);
                _unreportedBytes = 0;
            }
        }

        ReportDue();
    }

    private void Report(long bytes)
    {
        _doneBytes += bytes;
        _progress?.Report(new ImageProgress(_doneBytes, _totalBytes));
    }
}
