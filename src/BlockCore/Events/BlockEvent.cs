using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Events;

/// <summary>Something that a monitor, a user interface or an embedder may want to hear of. <i>QEMU: a QAPI event.</i></summary>
public abstract record BlockEvent;

/// <summary>A node has joined the graph.</summary>
/// <param name="NodeName">Its name.</param>
/// <param name="DriverName">Its driver.</param>
public sealed record NodeOpened(string NodeName, string DriverName) : BlockEvent;

/// <summary>A node has left the graph; its storage is closed.</summary>
/// <param name="NodeName">The name it had.</param>
public sealed record NodeClosed(string NodeName) : BlockEvent;

/// <summary>The limits of a throttle group that is an object were changed through one of its members.</summary>
/// <param name="Group">The group's name.</param>
/// <param name="ByNode">The node whose options changed them, or null.</param>
/// <param name="ByDevice">The device whose limits they are as well, by the backend's name, which may be empty; or null.</param>
public sealed record ThrottleLimitsChanged(string Group, string? ByNode, string? ByDevice = null) : BlockEvent;

/// <summary>Something that a person should know, though the operation went on.</summary>
/// <param name="Message">The words, possibly of several lines.</param>
public record BlockWarning(string Message) : BlockEvent;

/// <summary>An image was opened for writing without its format, which was guessed from its first bytes as one that has no signature.</summary>
/// <param name="FileName">The image.</param>
/// <param name="DriverName">The format that it was taken for.</param>
/// <param name="Message">The words.</param>
public sealed record FormatGuessed(string FileName, string DriverName, string Message) : BlockWarning(Message);

/// <summary>The dirty bitmaps that an image was to keep could not be written when it was closed: it has them as inconsistent.</summary>
/// <param name="NodeName">The image's node.</param>
/// <param name="Message">The words.</param>
public sealed record BitmapsLost(string NodeName, string Message) : BlockWarning(Message);

/// <summary>An image that was not closed is mended before its first change: something that was found, or is done about it.</summary>
/// <param name="NodeName">The image's node.</param>
/// <param name="Message">The words, as a check has them.</param>
public sealed record ImageRepairStep(string NodeName, string Message) : BlockEvent;

/// <summary>An image that was not closed was mended before its first change.</summary>
/// <param name="NodeName">The image's node.</param>
/// <param name="Message">The words.</param>
public sealed record ImageRepaired(string NodeName, string Message) : BlockWarning(Message);

/// <summary>A request of a device has failed, and this is done about it. <i>QEMU: BLOCK_IO_ERROR.</i></summary>
/// <param name="DeviceName">The backend's name; empty where it has none.</param>
/// <param name="NodeName">Its root node, or null where there is no medium.</param>
/// <param name="IsRead">True for a read, false for anything else.</param>
/// <param name="Action">What is done.</param>
/// <param name="IsNoSpace">Whether the storage is full; null where the device keeps no I/O status.</param>
/// <param name="Reason">The error, in the C library's words.</param>
public sealed record BlockIoError(string DeviceName, string? NodeName, bool IsRead, BlockErrorAction Action, bool? IsNoSpace, string Reason) : BlockEvent;

/// <summary>A device's request has failed in a way at which the whole machine is to stop; whoever runs the machine obeys. <i>QEMU: the vmstop request with RUN_STATE_IO_ERROR.</i></summary>
/// <param name="DeviceName">The backend's name; empty where it has none.</param>
public sealed record MachineStopRequested(string DeviceName) : BlockEvent;

/// <summary>A write ends beyond its node's threshold, which is 0 again. <i>QEMU: BLOCK_WRITE_THRESHOLD.</i></summary>
/// <param name="NodeName">The node.</param>
/// <param name="AmountExceededBytes">How far beyond, in bytes.</param>
/// <param name="ThresholdBytes">What the threshold was, in bytes.</param>
public sealed record WriteThresholdExceeded(string NodeName, long AmountExceededBytes, long ThresholdBytes) : BlockEvent;

/// <summary>A request has come to a breakpoint and waits there, or goes on from it. The listener must not set, resume or remove one. <i>QEMU: what qemu-io prints of blkdebug.</i></summary>
/// <param name="NodeName">The node with the breakpoint.</param>
/// <param name="Tag">What the breakpoint was set under.</param>
/// <param name="IsResumed">True where the request goes on.</param>
public sealed record DebugSuspension(string NodeName, string Tag, bool IsResumed) : BlockEvent;

/// <summary>A device's tray has been opened or closed. <i>QEMU: DEVICE_TRAY_MOVED.</i></summary>
/// <param name="DeviceName">The backend's name; empty where it has none.</param>
/// <param name="DeviceId">The device.</param>
/// <param name="IsOpen">Where the tray is now.</param>
public sealed record DeviceTrayMoved(string DeviceName, string DeviceId, bool IsOpen) : BlockEvent;

/// <summary>A child of a quorum has failed a request, or gave other bytes than those that won the vote. <i>QEMU: QUORUM_REPORT_BAD.</i></summary>
/// <param name="Operation">What was asked of it.</param>
/// <param name="Error">What it failed with; null where it was outvoted.</param>
/// <param name="NodeName">The child.</param>
/// <param name="SectorNumber">The first sector of 512 bytes that the request touches.</param>
/// <param name="SectorCount">How many it touches; 0 for a flush.</param>
public sealed record QuorumReportBad(QuorumOperation Operation, string? Error, string NodeName, long SectorNumber, long SectorCount) : BlockEvent;

/// <summary>Too few children of a quorum did what was asked, or agree. <i>QEMU: QUORUM_FAILURE.</i></summary>
/// <param name="Reference">The name of the user above the quorum, or of its node where that has none.</param>
/// <param name="SectorNumber">The first sector of 512 bytes that the request touches.</param>
/// <param name="SectorCount">How many it touches.</param>
public sealed record QuorumFailure(string Reference, long SectorNumber, long SectorCount) : BlockEvent;

/// <summary>A node that compares two images has found a difference.</summary>
/// <param name="NodeName">The node.</param>
/// <param name="Message">Which request, and where; the request fails with it.</param>
public sealed record VerificationFailed(string NodeName, string Message) : BlockEvent;

/// <summary>An image contradicts its own format. <i>QEMU: BLOCK_IMAGE_CORRUPTED.</i></summary>
/// <param name="NodeName">The image's node.</param>
/// <param name="Reason">What is wrong.</param>
/// <param name="HostOffset">Where in its file, in bytes.</param>
/// <param name="LengthBytes">How much there.</param>
/// <param name="IsFatal">True where nothing is written to the image any more, and it is marked so.</param>
/// <param name="Message">The same for a person.</param>
public sealed record ImageCorrupted(string NodeName, string Reason, long HostOffset, long LengthBytes, bool IsFatal, string Message) : BlockWarning(Message);
