using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Events;

/// <summary>Something happened to a job. It is told on the main context.</summary>
/// <param name="Id">The job's id.</param>
public abstract record JobEvent(string Id) : BlockEvent;

/// <summary>The job is in another state. <i>QEMU: JOB_STATUS_CHANGE.</i></summary>
/// <param name="Id">The job's id.</param>
/// <param name="Status">The new state, as messages spell it: <c>created</c>, <c>running</c>, <c>paused</c>, <c>ready</c>, <c>standby</c>, <c>waiting</c>, <c>pending</c>, <c>aborting</c>, <c>concluded</c>, <c>null</c>.</param>
public sealed record JobStatusChanged(string Id, string Status) : JobEvent(Id);

/// <summary>The job's target is what its source is, and can be completed. <i>QEMU: BLOCK_JOB_READY.</i></summary>
/// <param name="Id">The job's id.</param>
/// <param name="Type">The kind of job.</param>
/// <param name="OffsetBytes">How much is done.</param>
/// <param name="LengthBytes">How much there is.</param>
/// <param name="SpeedBytesPerSecond">How fast it may work; 0 for no limit.</param>
public sealed record BlockJobReady(string Id, string Type, long OffsetBytes, long LengthBytes, long SpeedBytesPerSecond) : JobEvent(Id);

/// <summary>The job's work is done, and waits to be made final by a user. <i>QEMU: BLOCK_JOB_PENDING.</i></summary>
/// <param name="Id">The job's id.</param>
/// <param name="Type">The kind of job.</param>
public sealed record BlockJobPending(string Id, string Type) : JobEvent(Id);

/// <summary>The job is over, well or with an error. <i>QEMU: BLOCK_JOB_COMPLETED.</i></summary>
/// <param name="Id">The job's id.</param>
/// <param name="Type">The kind of job.</param>
/// <param name="OffsetBytes">How much was done.</param>
/// <param name="LengthBytes">How much there was.</param>
/// <param name="SpeedBytesPerSecond">How fast it might work; 0 for no limit.</param>
/// <param name="Error">What went wrong, or null.</param>
public sealed record BlockJobCompleted(string Id, string Type, long OffsetBytes, long LengthBytes, long SpeedBytesPerSecond, string? Error) : JobEvent(Id);

/// <summary>The job is over because it, or one of its group, was cancelled. <i>QEMU: BLOCK_JOB_CANCELLED.</i></summary>
/// <param name="Id">The job's id.</param>
/// <param name="Type">The kind of job.</param>
/// <param name="OffsetBytes">How much was done.</param>
/// <param name="LengthBytes">How much there was.</param>
/// <param name="SpeedBytesPerSecond">How fast it might work; 0 for no limit.</param>
public sealed record BlockJobCancelled(string Id, string Type, long OffsetBytes, long LengthBytes, long SpeedBytesPerSecond) : JobEvent(Id);

/// <summary>A request of the job has failed. <i>QEMU: BLOCK_JOB_ERROR.</i></summary>
/// <param name="Id">The job's id.</param>
/// <param name="IsRead">True for a read, false for a write.</param>
/// <param name="Action">What is done about it.</param>
public sealed record BlockJobError(string Id, bool IsRead, BlockErrorAction Action) : JobEvent(Id);
