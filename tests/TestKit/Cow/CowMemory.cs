using BlockGraph.BlockCore.Bitmaps;

namespace BlockGraph.TestKit.Cow;

/// <summary>The snapshots and bitmaps of one image. The file has no room for them: the driver remembers them for as long as there is one.</summary>
internal sealed class CowMemory
{
    /// <summary>In the order of making.</summary>
    public List<CowSnapshot> Snapshots { get; } = [];

    /// <summary>In the order of making.</summary>
    public List<DirtyBitmap> Bitmaps { get; set; } = [];

    /// <summary>How many snapshots have ever been made.</summary>
    public int MadeCount { get; set; }
}
