using BlockGraph.BlockCore.Bitmaps;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>
/// Keeps dirty bitmaps in an image while it is closed. Its driver adds those that the image has to the node's <see cref="Graph.BlockNode.Bitmaps"/> when it is opened; all
/// that are <see cref="DirtyBitmap.IsPersistent"/> there are written when it is closed. Control plane; the node is drained where the image changes.
/// </summary>
public interface IImageBitmaps
{
    /// <summary>How much of the image a bit stands for where nobody says, in bytes.</summary>
    long DefaultGranularityBytes { get; }

    /// <summary>False for an image that keeps none, though its format could: one of an older version.</summary>
    bool CanKeep { get; }

    /// <summary>Refuses a bitmap that the image could not keep beside those that it has.</summary>
    /// <exception cref="Errors.BlockException">It could not; the message says why.</exception>
    void ThrowIfNotKept(string name, long granularityBytes);

    /// <summary>Bitmaps are about to change in memory: what the image has of them is marked as out of date, durably.</summary>
    /// <exception cref="Errors.BlockException">The mark could not be written.</exception>
    Task BeginChangeAsync(CancellationToken cancel);

    /// <summary>Removes what the image has under <paramref name="name"/>; nothing where it has nothing.</summary>
    /// <exception cref="Errors.BlockException">It could not be removed: it is still there.</exception>
    Task RemoveAsync(string name, CancellationToken cancel);

    /// <summary>Writes every persistent bitmap of the node, durably. The image has all of them as they are now, until the next change.</summary>
    /// <exception cref="Errors.BlockException">They could not be written: they are still in memory, and out of date in the image.</exception>
    Task StoreAsync(CancellationToken cancel);
}
