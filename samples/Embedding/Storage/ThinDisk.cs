using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Samples.Embedding.Storage;

/// <summary>One disk in a pool. What was never written, or was discarded, reads as zeros and takes no memory.</summary>
public sealed class ThinDisk(ThinPool pool, long lengthBytes, long latencyNs) : BlockDriverInstance
{
    private readonly Dictionary<long, byte[]> _clusters = [];
    private long _lengthBytes = lengthBytes;

    /// <inheritdoc/>
    public override bool CanWriteZeroes => true;

    /// <inheritdoc/>
    protected override long GetLengthBytes() => _lengthBytes;

    /// <inheritdoc/>
    protected override async ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await Node.Context.DelayAsync(latencyNs, cancel);
        foreach ((long index, int start, int position, int length) in Pieces(offset, buffer.Length))
        {
            IoVector part = buffer.Slice(position, length);
            if (_clusters.TryGetValue(index, out byte[]? cluster))
            {
                part.CopyFrom(cluster.AsSpan(start, length));
            }
            else
            {
                part.Fill(0);
            }
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await Node.Context.DelayAsync(latencyNs, cancel);

        // Everything or nothing: a write that is made again later must not find half of itself.
        pool.Take(Pieces(offset, buffer.Length).Count(p => !_clusters.ContainsKey(p.Index)));
        foreach ((long index, int start, int position, int length) in Pieces(offset, buffer.Length))
        {
            if (!_clusters.TryGetValue(index, out byte[]? cluster))
            {
                _clusters.Add(index, cluster = new byte[ThinPool.ClusterBytes]);
            }

            buffer.Slice(position, length).CopyTo(cluster.AsSpan(start, length));
        }

        _lengthBytes = Math.Max(_lengthBytes, offset + buffer.Length);
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await Node.Context.DelayAsync(latencyNs, cancel);
        Clear(offset, length);
        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        await Node.Context.DelayAsync(latencyNs, cancel);
        Clear(offset, length);
        _lengthBytes = Math.Max(_lengthBytes, offset + length);
        return true;
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        if (preallocation != PreallocationMode.Off)
        {
            // Space that nobody has written is what the pool is there to save.
            return ValueTask.FromException<bool>(preallocation.ToRefusal());
        }

        if (lengthBytes < _lengthBytes)
        {
            Clear(lengthBytes, _lengthBytes - lengthBytes);
        }

        _lengthBytes = lengthBytes;
        return ValueTask.FromResult(true);
    }

    /// <inheritdoc/>
    protected override ValueTask CloseAsync()
    {
        Clear(0, _lengthBytes);
        return default;
    }

    private void Clear(long offset, long length)
    {
        foreach ((long index, int start, _, int count) in Pieces(offset, length))
        {
            if (!_clusters.TryGetValue(index, out byte[]? cluster))
            {
                continue;
            }

            cluster.AsSpan(start, count).Clear();
            if (count == ThinPool.ClusterBytes)
            {
                _clusters.Remove(index);
                pool.Return();
            }
        }
    }

    // A range cut at the clusters' borders: which cluster, where in it, where in the range, how long.
    private static IEnumerable<(long Index, int Start, int Position, int Length)> Pieces(long offset, long length)
    {
        for (long position = 0; position < length;)
        {
            int start = (int)((offset + position) % ThinPool.ClusterBytes);
            int count = (int)Math.Min(ThinPool.ClusterBytes - start, length - position);
            yield return ((offset + position) / ThinPool.ClusterBytes, start, (int)position, count);
            position += count;
        }
    }
}
