using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// The last range of one leaf node that its driver has called data: asking a file where its data ends costs two system calls, and whoever reads an image
/// from end to end asks again at every step. <i>QEMU: the block-status cache.</i>
/// </summary>
/// <remarks>
/// <para>Only data is kept. It may turn out to read as zeros and stays a true answer, whoever else changes the file; a hole that was kept would not, after a
/// write. What may make a hole (a zero write, a discard, a copy) drops a region that it overlaps, so that the hole is seen.</para>
/// <para>A query that was under way while such a change was has seen the file as it was before, perhaps: its answer is given, and not kept. Hence the
/// counts: one of changes, which a query compares, and one of those under way. Any context.</para>
/// </remarks>
internal sealed class DataRegionCache(BlockNode node)
{
    private readonly Lock _lock = new();
    private Region? _region;
    private int _changeCount;
    private int _underWayCount;

    private bool IsLeaf => node.ChildSpan.Length == 0;

    /// <summary>Asks the driver, where the answer is not known; the range is of whole blocks.</summary>
    public ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        !IsLeaf ? node.Instance.GetStatusAsync(wanted, offset, length, cancel)
        : Volatile.Read(ref _region) is { } region && region.Start <= offset && offset < region.End
            ? new(new BlockStatus(BlockStatusFlags.Data | BlockStatusFlags.OffsetValid, Math.Min(region.End - offset, length), offset))
        : AskAsync(wanted, offset, length, cancel);

    /// <summary>Has the driver, or who counts its calls, zero a range; see <see cref="BlockDriverInstance.TryWriteZeroesAsync"/>.</summary>
    public ValueTask<bool> TryWriteZeroesAsync(BlockDriverInstance instance, long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        IsLeaf ? ChangeAsync(offset, length, () => instance.TryWriteZeroesAsync(offset, length, flags, cancel)) : instance.TryWriteZeroesAsync(offset, length, flags, cancel);

    /// <summary>Has the driver, or who counts its calls, let go of a range; see <see cref="BlockDriverInstance.TryDiscardAsync"/>.</summary>
    public ValueTask<bool> TryDiscardAsync(BlockDriverInstance instance, long offset, long length, CancellationToken cancel) =>
        IsLeaf ? ChangeAsync(offset, length, () => instance.TryDiscardAsync(offset, length, cancel)) : instance.TryDiscardAsync(offset, length, cancel);

    /// <summary>Does what may make holes in a range.</summary>
    public async ValueTask<bool> ChangeAsync(long offset, long length, Func<ValueTask<bool>> change)
    {
        Begin(offset, length);
        try
        {
            return await change();
        }
        finally
        {
            End();
        }
    }

    /// <summary>The file has another length, or is another: nothing is known of it.</summary>
    public void Clear()
    {
        Begin(0, long.MaxValue);
        End();
    }

    private ValueTask<BlockStatus> AskAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        int changeCount = Volatile.Read(ref _changeCount);
        ValueTask<BlockStatus> asked = node.Instance.GetStatusAsync(wanted, offset, length, cancel);
        return asked.IsCompletedSuccessfully ? new(Keep(changeCount, wanted, offset, asked.Result)) : KeepSlowAsync(changeCount, wanted, offset, asked);
    }

    private async ValueTask<BlockStatus> KeepSlowAsync(int changeCount, BlockStatusQuery wanted, long offset, ValueTask<BlockStatus> asked) =>
        Keep(changeCount, wanted, offset, await asked);

    private BlockStatus Keep(int changeCount, BlockStatusQuery wanted, long offset, BlockStatus status)
    {
        bool isData = (status.Flags & ~BlockStatusFlags.Allocated) == (BlockStatusFlags.Data | BlockStatusFlags.OffsetValid);

        // Without asking for zeros a driver calls everything data.
        if (isData && (wanted & BlockStatusQuery.Zeroes) != 0 && status.HostOffset == offset && status.HostChild is null)
        {
            Keep(changeCount, new Region(offset, offset + status.LengthBytes));
        }

        return status;
    }

    private void Keep(int changeCount, Region region)
    {
        lock (_lock)
        {
            if (changeCount == _changeCount && _underWayCount == 0)
            {
                Volatile.Write(ref _region, region);
            }
        }
    }

    private void Begin(long offset, long length)
    {
        lock (_lock)
        {
            CountChange();
            _underWayCount++;
            if (_region is { } region && offset < region.End && region.Start < length + offset)
            {
                Volatile.Write(ref _region, null);
            }
        }
    }

    private void End()
    {
        lock (_lock)
        {
            // A query that came while the change was under way, and goes on after it, has seen the file as it was, perhaps.
            CountChange();
            _underWayCount--;
        }
    }

    private void CountChange()
    {
        unchecked
        {
            // Only equality is asked of it: wrapping is meant.
            _changeCount++;
        }
    }

    private sealed record Region(long Start, long End);
}
