using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.TestKit.Cow;

/// <summary>The snapshots and bitmaps of one image. The file has no room for them: the driver remembers them for as long as there is one.</summary>
internal sealed class CowMemory
{
    /// <summary>In the order of making.</summary>
    public List<CowSnapshot> Snapshots { get; } = [];

    /// <summary>By name, in the order of making.</summary>
    public OrderedDictionary<string, CowBitmap> Bitmaps { get; } = [];

    /// <summary>How many snapshots have ever been made.</summary>
    public int MadeCount { get; set; }
}

/// <summary>What an image was.</summary>
/// <param name="Snapshot">What it is called.</param>
/// <param name="Clusters">What each cluster held; empty for zeros, null where it was not allocated.</param>
internal sealed record CowSnapshot(ImageSnapshot Snapshot, IReadOnlyList<byte[]?> Clusters);

/// <summary>A bitmap; no test of the kit asks for its bits.</summary>
/// <param name="GranularityBytes">How much of the image a bit stands for.</param>
/// <param name="IsEnabled">It follows writes.</param>
internal sealed record CowBitmap(long GranularityBytes, bool IsEnabled);
