namespace BlockGraph.BlockCore.Accounting;

/// <summary>What requests of one kind have added up to. <i>QEMU: BlockAcctStats.</i></summary>
public record struct RequestCounters
{
    /// <summary>How many completed, failed ones included.</summary>
    public long OperationCount { readonly get; private set; }

    /// <summary>How many bytes the successful ones moved.</summary>
    public long ByteCount { readonly get; private set; }

    /// <summary>How many failed.</summary>
    public long FailedCount { readonly get; private set; }

    /// <summary>How many were refused before they began: outside of the image, without permission, without a medium.</summary>
    public long InvalidCount { readonly get; private set; }

    /// <summary>How many nanoseconds they took together, from submission to completion.</summary>
    public long TotalNs { readonly get; private set; }

    /// <summary>When the last one completed, in nanoseconds of its context's clock; 0 where none has.</summary>
    public long LastDoneNs { readonly get; private set; }

    /// <summary>Adds one completed request.</summary>
    internal void Add(long bytes, long elapsedNs, long nowNs, bool isSuccess)
    {
        OperationCount++;
        TotalNs += elapsedNs;
        LastDoneNs = nowNs;
        if (isSuccess)
        {
            ByteCount += bytes;
        }
        else
        {
            FailedCount++;
        }
    }

    /// <summary>Adds one that was refused.</summary>
    internal void AddInvalid() => InvalidCount++;

    /// <summary>These and <paramref name="other"/> together.</summary>
    internal readonly RequestCounters Plus(RequestCounters other) => new()
    {
        OperationCount = OperationCount + other.OperationCount,
        ByteCount = ByteCount + other.ByteCount,
        FailedCount = FailedCount + other.FailedCount,
        InvalidCount = InvalidCount + other.InvalidCount,
        TotalNs = TotalNs + other.TotalNs,
        LastDoneNs = Math.Max(LastDoneNs, other.LastDoneNs),
    };
}
