namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// A piece of a table of the image, in memory. It is used at once after it was asked for: at the next await it may be given up, unless it is dirty.
/// </summary>
/// <remarks>
/// clean ──Change──► dirty ──Capture──► captured ──written──► clean. A captured one that is changed gets other memory, so that what is being written stays
/// as it was when it was captured, and is dirty.
/// </remarks>
internal sealed class MetadataSlice(Memory<byte> memory)
{
    /// <summary>Where it lies in the file.</summary>
    public long HostOffset { get; set; }

    /// <summary>What is in it.</summary>
    public Memory<byte> Memory { get; set; } = memory;

    /// <summary>The same.</summary>
    public Span<byte> Bytes => Memory.Span;

    /// <summary>The file has something older.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Its memory is being written.</summary>
    public bool IsCaptured { get; set; }

    /// <summary>Somebody asked for it since the cache last looked for one to give up.</summary>
    public bool WasUsed { get; set; }

    /// <summary>It may be given up.</summary>
    public bool IsEvictable => !IsDirty && !IsCaptured;
}
