namespace BlockGraph.BlockCore.Accounting;

/// <summary>What requests of one kind have added up to. <i>QEMU: BlockAcctStats.</i></summary>
public struct RequestCounters : IEquatable<RequestCounters>
{
    /// <summary>How many completed, failed ones included.</summary>
    public long OperationCount { readonly get; private set; }

    /// <summary>How many bytes the successful ones moved.</summary>
    public long ByteCount { readonly get; private set; }

    /// <summary>How many failed.</summary>
    public long FailedCount { readonly get; private set; }

    /// <summary>How many nanoseconds they took together, from submission to completion.</summary>
    public long TotalNs { readonly get; private set; }

    /// <summary>Adds one completed request.</summary>
    internal void Add(long bytes, long elapsedNs, bool isSuccess)
    {
        OperationCount++;
        TotalNs += elapsedNs;
        if (isSuccess)
        {
            ByteCount += bytes;
        }
        else
        {
            FailedCount++;
        }
    }

    /// <inheritdoc/>
    public readonly bool Equals(RequestCounters other) =>
        OperationCount == other.OperationCount && ByteCount == other.ByteCount && FailedCount == other.FailedCount && TotalNs == other.TotalNs;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is RequestCounters other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => HashCode.Combine(OperationCount, ByteCount, FailedCount, TotalNs);

    /// <summary>True where all counters agree.</summary>
    public static bool operator ==(RequestCounters left, RequestCounters right) => left.Equals(right);

    /// <summary>True where a counter differs.</summary>
    public static bool operator !=(RequestCounters left, RequestCounters right) => !left.Equals(right);
}
