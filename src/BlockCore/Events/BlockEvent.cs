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

/// <summary>The limits of a throttle group were changed through one of its nodes.</summary>
/// <param name="Group">The group's name.</param>
/// <param name="ByNode">The node whose options changed them.</param>
public sealed record ThrottleLimitsChanged(string Group, string ByNode) : BlockEvent;

/// <summary>Something that a person should know, though the operation went on.</summary>
/// <param name="Message">The words, possibly of several lines.</param>
public sealed record BlockWarning(string Message) : BlockEvent;

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

/// <summary>A device's tray has been opened or closed. <i>QEMU: DEVICE_TRAY_MOVED.</i></summary>
/// <param name="DeviceName">The backend's name; empty where it has none.</param>
/// <param name="DeviceId">The device.</param>
/// <param name="IsOpen">Where the tray is now.</param>
public sealed record DeviceTrayMoved(string DeviceName, string DeviceId, bool IsOpen) : BlockEvent;
