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
