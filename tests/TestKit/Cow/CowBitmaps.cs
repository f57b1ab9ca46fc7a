using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.TestKit.Cow;

/// <summary>The bitmaps of one image, which the driver remembers in the file's stead.</summary>
internal sealed class CowBitmaps(BlockNode node, CowMemory memory) : IImageBitmaps
{
    /// <inheritdoc/>
    public long DefaultGranularityBytes => 64 << 10;

    /// <inheritdoc/>
    public bool CanKeep => true;

    /// <inheritdoc/>
    public void ThrowIfNotKept(string name, long granularityBytes)
    {
    }

    /// <inheritdoc/>
    public Task BeginChangeAsync(CancellationToken cancel) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task RemoveAsync(string name, CancellationToken cancel)
    {
        memory.Bitmaps.RemoveAll(bitmap => bitmap.Name == name);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StoreAsync(CancellationToken cancel)
    {
        Store();
        return Task.CompletedTask;
    }

    /// <summary>Gives the node what the image has.</summary>
    public static void Load(BlockNode node, CowMemory memory)
    {
        foreach (DirtyBitmap bitmap in memory.Bitmaps)
        {
            bitmap.IsReadOnly = node.IsReadOnly;
            node.Bitmaps.Add(bitmap);
        }
    }

    /// <summary>Remembers what the node has.</summary>
    public void Store() => memory.Bitmaps = [.. node.Bitmaps.Named.Where(bitmap => bitmap.IsPersistent)];
}
