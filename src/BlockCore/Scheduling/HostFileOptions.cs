namespace BlockGraph.BlockCore.Scheduling;

/// <summary>Which file to open, and for what. Control plane.</summary>
/// <param name="Path">The file's name as the operating system takes it. Symbolic links are followed.</param>
public readonly record struct HostFileOptions(string Path)
{
    /// <summary>True to read and write, false to read only.</summary>
    public bool IsWritable { get; init; }

    /// <summary>True to bypass the page cache (O_DIRECT); requests must then keep to the file's alignments.</summary>
    public bool IsDirect { get; init; }

    /// <summary>True where it is to be a block device, false where it is to be a regular file.</summary>
    public bool IsDevice { get; init; }

    /// <summary>How transfers are carried out.</summary>
    public HostFileAio Aio { get; init; }

    /// <summary>
    /// True to keep other writers out by the means of the open itself, for as long as the file is open. Only an engine
    /// without byte locks looks at it: where <see cref="HostFile.SupportsByteLocks"/>, <see cref="ImageLocks"/> does it better.
    /// On Windows it refuses other writers; on other systems the portable engine can only refuse every other opener that
    /// goes through .NET or <c>flock</c>, readers included, and does not see the byte locks of other programs at all.
    /// </summary>
    public bool ExcludesOtherWriters { get; init; }

    /// <summary>What the system is asked for where that is not the name: the way to a file that is open already. Errors name the path.</summary>
    internal string? OpenedPath { get; init; }

    /// <summary>What the system is asked for.</summary>
    internal string SystemPath => OpenedPath ?? Path;
}
