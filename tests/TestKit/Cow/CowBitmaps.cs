using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.TestKit.Cow;

/// <summary>The bitmaps of one image, by name: they follow nothing.</summary>
internal sealed class CowBitmaps(CowMemory memory) : IImageBitmaps
{
    private const long DefaultGranularityBytes = 64 << 10;

    /// <inheritdoc/>
    public IReadOnlyList<string> Names => [.. memory.Bitmaps.Keys];

    /// <inheritdoc/>
    public Task AddAsync(string name, long? granularityBytes, CancellationToken cancel) =>
        memory.Bitmaps.TryAdd(name, new CowBitmap(granularityBytes ?? DefaultGranularityBytes, IsEnabled: true))
            ? Task.CompletedTask
            : throw new BlockException(BlockErrorKind.AlreadyExists, $"Bitmap already exists: {name}");

    /// <inheritdoc/>
    public Task RemoveAsync(string name, CancellationToken cancel)
    {
        memory.Bitmaps.Remove(name);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task ClearAsync(string name, CancellationToken cancel) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task SetEnabledAsync(string name, bool isEnabled, CancellationToken cancel)
    {
        memory.Bitmaps[name] = memory.Bitmaps[name] with { IsEnabled = isEnabled };
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task MergeAsync(string name, IImageBitmaps? other, string source, CancellationToken cancel)
    {
        CowMemory from = other is null ? memory : ((CowBitmaps)other).Memory;
        CowBitmap found = from.Bitmaps.GetValueOrDefault(source) ?? throw new BlockException(BlockErrorKind.NotFound, $"Dirty bitmap '{source}' not found");
        return found.GranularityBytes == memory.Bitmaps[name].GranularityBytes
            ? Task.CompletedTask
            : throw new BlockException($"Bitmaps '{source}' and '{name}' are of different granularity");
    }

    private CowMemory Memory => memory;
}
