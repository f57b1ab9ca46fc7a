using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.BlockCore.Graph;

/// <summary>What a node tells of its image. Main context.</summary>
public sealed partial class BlockNode
{
    /// <summary>The file that the image's header names as its backing file, as it is found from here; null where it names none.</summary>
    /// <exception cref="Errors.BlockException">The name is relative to something that has none.</exception>
    public string? FullBackingFileName => Instance.BackingFileName is { } name ? NodeFileName.Resolve(this, name) : null;

    /// <summary>What tells the file of this image from that of every other, whatever links lead to it; null where nothing does. For comparison only.</summary>
    public string? FileIdentity => NodeFileName.IdentityOf(this);

    /// <summary>The same as <see cref="FullBackingFileName"/>, for whoever goes on to open it by itself.</summary>
    /// <exception cref="Errors.BlockException">The profile's <see cref="ImplicitOpenGate"/> refuses, or the name is relative to something that has none.</exception>
    public string? FindBackingToFollow()
    {
        if (FullBackingFileName is not { } fullName)
        {
            return null;
        }

        BlockDriver? driver = Graph.Drivers.All.FirstOrDefault(known => known.Name == Instance.BackingFormat);
        Graph.Profile.ImplicitOpenGate.Pass(new ImplicitOpen(NodeFileName.ToTell(this), "backing", Instance.BackingFileName!, fullName, driver));
        return fullName;
    }

    /// <summary>What a person may want to know of the image; null where its driver knows nothing.</summary>
    /// <exception cref="Errors.BlockException">It could not be read.</exception>
    public Task<ImageInformation?> GetInformationAsync(CancellationToken cancel = default) => Context.RunAsync(() => Instance.GetInformationAsync(cancel));

    /// <summary>The space that the image takes where it is stored, in bytes; null where that is not known.</summary>
    /// <exception cref="Errors.BlockException">It could not be found out.</exception>
    public Task<long?> GetAllocatedBytesAsync(CancellationToken cancel = default) => Context.RunAsync(() => Instance.GetAllocatedBytesAsync(cancel));
}
