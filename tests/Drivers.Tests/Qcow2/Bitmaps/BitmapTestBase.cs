using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Bitmaps;

namespace BlockGraph.Drivers.Tests.Qcow2.Bitmaps;

/// <summary>What the tests of bitmaps that a qcow2 image keeps share.</summary>
public abstract class BitmapTestBase : Qcow2ImageTestBase
{
    private protected static Task<DirtyBitmap> AddAsync(BlockBackend backend, string name, long granularityBytes = 512, bool isEnabled = true) =>
        backend.Root!.AddBitmapAsync(name, granularityBytes, isPersistent: true, isEnabled);

    /// <summary>The bitmaps of an open image: name, state, and which pieces are dirty.</summary>
    private protected static string Describe(BlockBackend backend) => string.Join("; ", backend.Root!.Bitmaps.Named.Select(Describe));

    /// <summary>One of them.</summary>
    private protected static string Describe(DirtyBitmap bitmap)
    {
        if (bitmap.IsInconsistent)
        {
            return $"{bitmap.Name} inconsistent";
        }

        List<string> runs = [];
        for (long at = 0; bitmap.TryFindDirty(at, bitmap.LengthBytes - at, long.MaxValue, out long start, out long length); at = start + length)
        {
            runs.Add($"{start}+{length}");
        }

        return $"{bitmap.Name}{(bitmap.IsEnabled ? "" : " disabled")}: {string.Join(' ', runs)}".TrimEnd();
    }
}
