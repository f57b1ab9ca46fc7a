using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Images;

/// <summary>
/// Walks over the sources, one after the other as one image, and cuts what block status tells into chunks. One caller at a time.
/// <code>
///  status    ├── data ──┼─ zero ─┼ data ┼────── zero ──────┤
///  units     ├────┼────┼────┼────┼────┼────┼────┼────┼────┤      a unit that is data in part is data
///  chunks    ├─── data ─────┤ze. ├ data ───┼──── zero ─────┤
/// </code>
/// </summary>
internal sealed class ConversionMap(IReadOnlyList<BlockBackend> sources, ConversionPlan plan)
{
    // A driver is asked no further ahead, for some count in 32 bits.
    private const long QueryBytesMax = 1L << 30;
    private const long SectorBytes = 512;

    // Of more extents than that the rest is asked again: it would take too much memory.
    private const int RememberedCountMax = 1 << 16;

    // Less where a driver has just failed to answer: it may fail for what follows, too.
    private long _queryBytes = QueryBytesMax;
    private int _index;
    private long _sourceStart = -plan.Options.SkippedBytes;
    private long _at;
    private long _extentEnd;

    // Where the extent ends by what the driver said, before its bounds were moved to those of units.
    private long _saidEnd;
    private ConversionKind _kind;

    // What drivers have said, so that it need not be asked again, and what they had said before.
    private readonly List<(long At, ConversionKind Kind, long End)> _said = [];
    private readonly Queue<(long At, ConversionKind Kind, long End)> _known = [];

    // What was asked too far, to see where an extent ends: the answer is that of the next.
    private (long At, ConversionKind Kind, long End) _ahead = (-1, default, 0);

    /// <summary>A map that begins again, and asks drivers only for what this one has not. Salvaging it asks for everything: what fails is told of each time.</summary>
    public ConversionMap Again()
    {
        ConversionMap map = new(sources, plan);
        _said.ForEach(map._known.Enqueue);
        return map;
    }

    /// <summary>The next chunk, or null behind the last. A long hole takes long chunks.</summary>
    /// <exception cref="BlockException">A driver does not know what it has.</exception>
    public async ValueTask<ConversionChunk?> NextAsync(CancellationToken cancel)
    {
        while (_at < plan.TotalBytes && _sourceStart + sources[_index].LengthBytes <= _at)
        {
            _sourceStart += sources[_index].LengthBytes;
            _index++;
        }

        if (_at >= plan.TotalBytes)
        {
            return null;
        }

        if (_at >= _extentEnd)
        {
            await FindExtentAsync(cancel);
        }

        long end = _extentEnd - _at;
        if (end > plan.LengthMaxOf(_kind, _at))
        {
            // Short of it, so that what follows begins at a multiple of the chunk.
            long lengthMax = plan.LengthMaxOf(_kind, _at);
            end = lengthMax - (_at % lengthMax);
        }

        IReadOnlyList<BlockBackend>? following = _at + end > SourceEnd ? [.. sources.Skip(_index + 1)] : null;
        ConversionChunk chunk = new(_kind, sources[_index], _at - _sourceStart, _at, end, _at + end >= _extentEnd, following) { SaidBytes = Math.Clamp(_saidEnd - _at, 0, end) };
        _at += end;
        return chunk;
    }

    private long SourceEnd => Math.Min(_sourceStart + sources[_index].LengthBytes, plan.TotalBytes);

    // Joined with what follows while that is of the same kind, for a chain answers in small pieces; the bounds are then moved to those of units.
    private async ValueTask FindExtentAsync(CancellationToken cancel)
    {
        long sourceEnd = SourceEnd;
        (_kind, long end) = await AskAsync(_at, cancel);
        while (end < sourceEnd && end - _at < plan.ChunkBytes)
        {
            (ConversionKind kind, long nextEnd) = await AskAsync(end, cancel);
            if (kind != _kind)
            {
                _ahead = (end, kind, nextEnd);
                break;
            }

            end = nextEnd;
        }

        _saidEnd = end;
        _extentEnd = end == sourceEnd ? end : MoveToUnit(end, sourceEnd);
        if (plan.Options.IsCompressed && sourceEnd < plan.TotalBytes)
        {
            EndBeforeJoint(sourceEnd);
        }
    }

    private long MoveToUnit(long end, long sourceEnd)
    {
        long mask = plan.UnitBytes - 1L;
        long wholeEnd = end & ~mask;
        if (_kind != ConversionKind.Data && wholeEnd <= _at)
        {
            // Data begins somewhere in it.
            _kind = ConversionKind.Data;
            _saidEnd = long.MaxValue;
        }

        return _kind == ConversionKind.Data ? Math.Min((end + mask) & ~mask, sourceEnd) : wholeEnd;
    }

    // A unit that the next source has a part of is a chunk by itself: only as a whole can it be compressed.
    private void EndBeforeJoint(long sourceEnd)
    {
        long joint = sourceEnd & ~(plan.UnitBytes - 1L);
        if (joint == sourceEnd || _extentEnd <= joint)
        {
            return;
        }

        if (_at < joint)
        {
            _extentEnd = joint;
        }
        else
        {
            (_kind, _extentEnd) = (ConversionKind.Data, Math.Min(joint + plan.UnitBytes, plan.TotalBytes));
        }
    }

    private async ValueTask<(ConversionKind Kind, long End)> AskAsync(long at, CancellationToken cancel)
    {
        if (_ahead.At == at)
        {
            return (_ahead.Kind, _ahead.End);
        }

        if (_known.TryPeek(out (long At, ConversionKind Kind, long End) known) && known.At == at)
        {
            _known.Dequeue();
            return (known.Kind, known.End);
        }

        (ConversionKind kind, long end) = await AskDriverAsync(at, cancel);
        if (_said.Count < RememberedCountMax && !plan.Options.IsSalvaging)
        {
            _said.Add((at, kind, end));
        }

        return (kind, end);
    }

    private async ValueTask<(ConversionKind Kind, long End)> AskDriverAsync(long at, CancellationToken cancel)
    {
        while (true)
        {
            long length = Math.Min(SourceEnd - at, _queryBytes);
            try
            {
                (ConversionKind Kind, long End) answer = await AskDriverAsync(at, length, cancel);
                _queryBytes = Math.Min(2 * _queryBytes, QueryBytesMax);
                return answer;
            }
            catch (BlockException error) when (plan.Options.IsSalvaging)
            {
                // Down to a sector: what is known about the rest is not given up. Of that one nothing is known; it may be readable all the same.
                if (length <= SectorBytes)
                {
                    plan.Options.OnUnknownStatus?.Invoke(new UnreadableRange(at, length, error));
                    return (ConversionKind.Data, at + length);
                }

                _queryBytes = Math.Max(length / 2, SectorBytes);
            }
            catch (BlockException error)
            {
                throw error.Prefixed($"error while reading block status at offset {at}: ");
            }
        }
    }

    private async ValueTask<(ConversionKind Kind, long End)> AskDriverAsync(long at, long length, CancellationToken cancel)
    {
        BlockBackend source = sources[_index];
        BlockNode? baseNode = plan.Options.TargetHasBacking && source.Root is { } root ? BackingChain.Next(root) : null;
        ChainStatus status = await source.GetStatusAboveAsync(
            at - _sourceStart, length, baseNode, includesBase: false, BlockStatusQuery.Allocation | BlockStatusQuery.Zeroes, cancel);
        return (KindOf(status.Status), at + Math.Max(1, status.Status.LengthBytes));
    }

    private ConversionKind KindOf(BlockStatus status) =>
        plan.Options.TakesAllocatedOnly && !status.IsAllocated ? ConversionKind.Unallocated
        : status.IsZero ? ConversionKind.Zero
        : plan.Options.TargetHasBacking && !status.IsAllocated ? ConversionKind.Unallocated
        : ConversionKind.Data;
}
