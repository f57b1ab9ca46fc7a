using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>A job as it is at one moment: what lists of jobs show. <i>QEMU: JobInfo and BlockJobInfo.</i></summary>
/// <param name="Id">Its id.</param>
/// <param name="TypeName">Its kind: <c>stream</c>, <c>commit</c>, <c>mirror</c>, <c>backup</c>.</param>
/// <param name="State">Where it stands.</param>
/// <param name="OffsetBytes">How much is done, in bytes.</param>
/// <param name="LengthBytes">How much there is, in bytes.</param>
/// <param name="SpeedBytesPerSecond">How fast it may work; 0 for no limit.</param>
/// <param name="IsBusy">Its body runs code or waits for a request.</param>
/// <param name="IsPaused">Somebody has it rest: a user, a drain, an error, or that it was not started.</param>
/// <param name="IoStatus">Whether an error has made it rest.</param>
/// <param name="AutoFinalize">Its work is made final without asking.</param>
/// <param name="AutoDismiss">It is forgotten without asking.</param>
/// <param name="Error">What it failed with, once that is certain; null for nothing.</param>
public sealed record JobInfo(
    string Id,
    string TypeName,
    JobState State,
    long OffsetBytes,
    long LengthBytes,
    long SpeedBytesPerSecond,
    bool IsBusy,
    bool IsPaused,
    BlockIoStatus IoStatus,
    bool AutoFinalize,
    bool AutoDismiss,
    BlockException? Error)
{
    /// <summary>True where it can be told to complete.</summary>
    public bool IsReady => State is JobState.Ready or JobState.Standby;
}
