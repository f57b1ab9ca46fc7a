namespace BlockGraph.BlockCore.Jobs;

/// <summary>How far a job is, in bytes. Its body says so; anybody may look, from any thread. <i>QEMU: ProgressMeter.</i></summary>
public sealed class JobProgress
{
    private long _offsetBytes;
    private long _lengthBytes;

    /// <summary>How much is done.</summary>
    public long OffsetBytes => Volatile.Read(ref _offsetBytes);

    /// <summary>How much there is, as far as is known: it may grow.</summary>
    public long LengthBytes => Volatile.Read(ref _lengthBytes);

    /// <summary>So much has been done.</summary>
    public void Advance(long bytes) => Volatile.Write(ref _offsetBytes, _offsetBytes + bytes);

    /// <summary>So much is left to do.</summary>
    public void SetRemaining(long bytes) => Volatile.Write(ref _lengthBytes, _offsetBytes + bytes);

    /// <summary>So much more has come up to do.</summary>
    public void AddRemaining(long bytes) => Volatile.Write(ref _lengthBytes, _lengthBytes + bytes);
}
