using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>A snapshot inside an image.</summary>
/// <param name="Id">What the format calls it.</param>
/// <param name="Name">What a person calls it.</param>
public sealed record ImageSnapshot(string Id, string Name)
{
    /// <summary>How much state of a virtual machine belongs to it, in bytes.</summary>
    public long VmStateBytes { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Date { get; init; }

    /// <summary>How long the virtual machine had been running, in nanoseconds.</summary>
    public long VmClockNs { get; init; }

    /// <summary>How many instructions the virtual machine had carried out; null where that was not counted.</summary>
    public long? InstructionCount { get; init; }
}

/// <summary>The snapshots inside an image. Control plane; the node is drained where the image changes.</summary>
public interface IImageSnapshots
{
    /// <summary>Every snapshot, in the order of the image.</summary>
    IReadOnlyList<ImageSnapshot> All { get; }

    /// <summary>Makes one of the image as it is. One without an id gets the next free number.</summary>
    /// <exception cref="BlockException">It could not be made; the image is as it was.</exception>
    Task CreateAsync(ImageSnapshot snapshot, CancellationToken cancel);

    /// <summary>Makes the image what it was then.</summary>
    /// <exception cref="BlockException">It could not be applied.</exception>
    Task ApplyAsync(ImageSnapshot snapshot, CancellationToken cancel);

    /// <summary>Removes one.</summary>
    /// <exception cref="BlockException">It could not be removed.</exception>
    Task DeleteAsync(ImageSnapshot snapshot, CancellationToken cancel);

    /// <summary>From now on the image reads as it was then, and is as long, until it is closed. Its node is read-only, and stays so.</summary>
    /// <exception cref="BlockException">The node is not read-only, or the snapshot could not be read.</exception>
    Task ShowAsync(ImageSnapshot snapshot, CancellationToken cancel) =>
        Task.FromException(new BlockException(BlockErrorKind.NotSupported, "The format cannot show a snapshot without applying it"));
}
