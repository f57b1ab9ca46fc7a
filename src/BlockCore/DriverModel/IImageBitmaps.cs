namespace BlockGraph.BlockCore.DriverModel;

/// <summary>The dirty bitmaps that an image keeps: which parts of it have been written. Control plane; the node is drained where the image changes.</summary>
public interface IImageBitmaps
{
    /// <summary>Every bitmap's name, in the order of the image.</summary>
    IReadOnlyList<string> Names { get; }

    /// <summary>Adds an empty one, enabled.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="granularityBytes">How much of the image a bit stands for; null for the format's own choice.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="Errors.BlockException">It could not be added.</exception>
    Task AddAsync(string name, long? granularityBytes, CancellationToken cancel);

    /// <summary>Removes one.</summary>
    /// <exception cref="Errors.BlockException">It could not be removed.</exception>
    Task RemoveAsync(string name, CancellationToken cancel);

    /// <summary>Forgets what has been written.</summary>
    /// <exception cref="Errors.BlockException">It could not be cleared.</exception>
    Task ClearAsync(string name, CancellationToken cancel);

    /// <summary>Has it follow writes from now on, or no longer.</summary>
    /// <exception cref="Errors.BlockException">It could not be changed.</exception>
    Task SetEnabledAsync(string name, bool isEnabled, CancellationToken cancel);

    /// <summary>Adds to <paramref name="name"/> what is dirty in <paramref name="source"/>, a bitmap of <paramref name="other"/> or, where that is null, of this image.</summary>
    /// <exception cref="Errors.BlockException">They could not be merged.</exception>
    Task MergeAsync(string name, IImageBitmaps? other, string source, CancellationToken cancel);
}
