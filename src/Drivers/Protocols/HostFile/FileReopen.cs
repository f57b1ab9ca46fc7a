using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>What a file node has prepared for its new options.</summary>
/// <param name="NewOptions">How the file is opened from now on.</param>
/// <param name="NewIsDynamic">Whether it is writable only while somebody writes.</param>
/// <param name="NewHandle">A descriptor that fits the new options; null where the present one does.</param>
internal sealed record FileReopen(HostFileOptions NewOptions, bool NewIsDynamic, FileHandle? NewHandle);
