using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>The dirty bitmaps that a conversion takes along. The last is the first, as whoever looks for the texts of the well-known program expects.</summary>
/// <param name="call">Whose.</param>
/// <param name="source">The image that has them.</param>
/// <param name="skipsBroken">Those that are inconsistent are left out.</param>
internal sealed class ConvertBitmaps(ImgCall call, BlockNode source, bool skipsBroken)
{
    private IEnumerable<DirtyBitmap> Bitmaps => source.Bitmaps.Named.Where(static bitmap => bitmap.IsPersistent).Reverse();

    /// <summary>Refuses a source whose bitmaps cannot be copied.</summary>
    /// <exception cref="BlockException">It has none to speak of, or one that is inconsistent.</exception>
    public void CheckSource()
    {
        if (source.Instance.Bitmaps is not { CanKeep: true })
        {
            throw new BlockException(BlockErrorKind.NotSupported, "Source lacks bitmap support");
        }

        if (!skipsBroken && Bitmaps.FirstOrDefault(static bitmap => bitmap.IsInconsistent) is { } broken)
        {
            throw new BlockException($"Cannot copy inconsistent bitmap '{broken.Name}'") { Hint = "Try --skip-broken-bitmaps, or use 'qemu-img bitmap --remove' to delete it" };
        }
    }

    /// <summary>Refuses a target that could not keep them.</summary>
    /// <exception cref="BlockException">Its format, or its version of it, does not.</exception>
    public static void CheckTarget(BlockNode target)
    {
        if (target.Instance.Bitmaps is not { CanKeep: true })
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Format driver '{target.Driver.Name}' does not support bitmaps");
        }
    }

    /// <summary>Copies them: the data is there.</summary>
    /// <exception cref="BlockException">One could not be copied.</exception>
    public async Task CopyAsync(BlockNode target, CancellationToken cancel)
    {
        foreach (DirtyBitmap bitmap in Bitmaps)
        {
            if (bitmap.IsInconsistent)
            {
                Complaint.Warn(call.Console, call.Name.Program, $"Skipping inconsistent bitmap '{bitmap.Name}'");
                continue;
            }

            await CopyAsync(bitmap, target, cancel);
        }

        await target.StoreBitmapsAsync(cancel);
    }

    private static async Task CopyAsync(DirtyBitmap bitmap, BlockNode target, CancellationToken cancel)
    {
        string name = bitmap.Name!;
        try
        {
            await target.AddBitmapAsync(name, bitmap.GranularityBytes, isPersistent: true, isEnabled: false, cancel);
        }
        catch (BlockException failure)
        {
            throw failure.Prefixed($"Failed to create bitmap {name}: ");
        }

        try
        {
            await target.MergeBitmapsAsync(name, [bitmap], cancel);
        }
        catch (BlockException failure)
        {
            await target.RemoveBitmapAsync(name, CancellationToken.None);
            throw failure.Prefixed($"Failed to populate bitmap {name}: ");
        }

        if (bitmap.IsEnabled)
        {
            await target.SetBitmapEnabledAsync(name, isEnabled: true, cancel);
        }
    }
}
