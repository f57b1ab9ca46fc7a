namespace BlockGraph.BlockCore.Accounting;

/// <summary>What requests of one kind have added up to. <i>QEMU: BlockAcctStats.</i></summary>
public record struct RequestCounters
{
    private long _operationCount;
    private long _byteCount;
    private long _failedCount;
    private long _invalidCount;
    private long _totalNs;
    private long _lastDoneNs;

    /// <summary>How many completed, failed ones included.</summary>
    public readonly long OperationCount => _operationCount;

    /// <summary>How many bytes the successful ones moved.</summary>
    public readonly long ByteCount => _byteCount;

    /// <summary>How many failed.</summary>
    public readonly long FailedCount => _failedCount;

    /// <summary>How many were refused before they began: outside of the image, without permission, without a medium.</summary>
    public readonly long InvalidCount => _invalidCount;

    /// <summary>How many nanoseconds they took together, from submission to completion; failed ones where they are to count.</summary>
    public readonly long TotalNs => _totalNs;

    /// <summary>When the last one completed, in nanoseconds of its context's clock; 0 where none has. Failed and refused ones where they are to count.</summary>
    public readonly long LastDoneNs => _lastDoneNs;

    /// <summary>What <paramref name="source"/>, to which another thread may be adding, holds: no count is torn, and none that the caller may know of is missing.</summary>
    internal static RequestCounters ReadFrom(ref RequestCounters source) => new()
    {
        _operationCount = Volatile.Read(ref source._operationCount),
        _byteCount = Volatile.Read(ref source._byteCount),
        _failedCount = Volatile.Read(ref source._failedCount),
        _invalidCount = Volatile.Read(ref source._invalidCount),
        _totalNs = Volatile.Read(ref source._totalNs),
        _lastDoneNs = Volatile.Read(ref source._lastDoneNs),
    };

    /// <summary>Adds one that succeeded.</summary>
    internal void AddDone(long bytes, long elapsedNs, long nowNs)
    {
        _operationCount++;
        _byteCount += bytes;
        _totalNs += elapsedNs;
        _lastDoneNs = nowNs;
    }

    /// <summary>Adds one that failed.</summary>
    internal void AddFailed(long elapsedNs, long nowNs, bool isTimed)
    {
        _operationCount++;
        _failedCount++;
        if (isTimed)
        {
            _totalNs += elapsedNs;
            _lastDoneNs = nowNs;
        }
    }

    /// <summary>Adds one that was refused.</summary>
    internal void AddInvalid(long nowNs, bool isTimed)
    {
        _invalidCount++;
        if (isTimed)
        {
            _lastDoneNs = nowNs;
        }
    }

    /// <summary>These and <paramref name="other"/> together.</summary>
    internal readonly RequestCounters Plus(RequestCounters other) => new()
    {
        _operationCount = _operationCount + other._operationCount,
        _byteCount = _byteCount + other._byteCount,
        _failedCount = _failedCount + other._failedCount,
        _invalidCount = _invalidCount + other._invalidCount,
        _totalNs = _totalNs + other._totalNs,
        _lastDoneNs = Math.Max(_lastDoneNs, other._lastDoneNs),
    };
}
