using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.BlockCore.Graph;

/// <summary>What a node tells of its image. Main context.</summary>
public sealed partial class BlockNode
{
    /// <summary>The file that the image's header names as its backing file, as it is found from here; null where it names none.</summary>
    /// <exception cref="Errors.BlockException">The name is relative to something that has none.</exception>
    public string? FullBackingFileName => Instance.BackingFileName is { } name ? NodeFileName.Resolve(this, name) : null;

    /// <summary>What a person may want to know of the image; null where its driver knows nothing.</summary>
    /// <exception cref="Errors.BlockException">It could not be read.</exception>
    public Task<ImageInformation?> GetInformationAsync(CancellationToken cancel = default) => Context.RunAsync(() => Instance.GetInformationAsync(cancel));

    /// <summary>The space that the image takes where it is stored, in bytes; null where that is not known.</summary>
    /// <exception cref="Errors.BlockException">It could not be found out.</exception>
    public Task<long?> GetAllocatedBytesAsync(CancellationToken cancel = default) => Context.RunAsync(() => Instance.GetAllocatedBytesAsync(cancel));
}
