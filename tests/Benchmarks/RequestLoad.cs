using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Benchmarks;

/// <summary>
/// A number of callers that each have one request in flight, over the image from its beginning to its end and round again. In
/// its steady state it allocates nothing itself.
/// </summary>
internal sealed class RequestLoad(BlockBackend backend, RequestKind kind, int depth, int sizeBytes = 4096)
{
    private readonly long _lengthBytes = backend.LengthBytes;
    private long _nextOffset;
    private long _toSubmit;
    private long _completed;
    private long _startMark;
    private long _endMark;
    private Action? _atStart;
    private Action? _atEnd;

    /// <summary>How many have completed so far. Any thread.</summary>
    public long CompletedCount => Volatile.Read(ref _completed);

    /// <summary>
    /// Completes <paramref name="warmUpCount"/> requests, calls <paramref name="atStart"/>, completes <paramref name="count"/>
    /// more and calls <paramref name="atEnd"/>; the load stays up at both, so that what lies between is its steady state.
    /// </summary>
    public async Task RunAsync(long warmUpCount, long count, Action? atStart, Action? atEnd)
    {
        _atStart = atStart;
        _atEnd = atEnd;
        _startMark = warmUpCount;
        _endMark = checked(warmUpCount + count);
        _toSubmit = checked(_endMark + depth);
        await Task.WhenAll(Enumerable.Range(0, depth).Select(_ => CallAsync(new byte[sizeBytes])).ToArray());
    }

    /// <summary>Submits nothing more.</summary>
    public void Stop() => _toSubmit = 0;

    private async Task CallAsync(byte[] memory)
    {
        IoVector buffer = memory;
        while (_toSubmit > 0)
        {
            _toSubmit--;
            long offset = _nextOffset;
            _nextOffset = offset + sizeBytes > _lengthBytes - sizeBytes ? 0 : offset + sizeBytes;
            await (kind == RequestKind.Read ? backend.ReadAsync(offset, buffer) : backend.WriteAsync(offset, buffer));
            long completed = ++_completed;
            if (completed == _startMark)
            {
                _atStart?.Invoke();
            }
            else if (completed == _endMark)
            {
                _atEnd?.Invoke();
            }
        }
    }
}
