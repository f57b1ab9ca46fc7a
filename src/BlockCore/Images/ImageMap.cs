using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Images;

/// <summary>Tells what is where in an image: which layer has a range, whether it is data, where it lies. <i>QEMU: qemu-img map.</i></summary>
public static class ImageMap
{
    private const long QueryBytesMax = 1L << 30;

    /// <summary>The extents of a range, in order, each as long as it can be. Asked for as they are awaited. On the calling context.</summary>
    /// <param name="image">The image.</param>
    /// <param name="startBytes">Where to begin.</param>
    /// <param name="lengthBytesMax">How far to go; to the image's end where null.</param>
    /// <param name="cancel">Ends it between two questions.</param>
    /// <exception cref="BlockException">A driver does not know what it has.</exception>
    public static async IAsyncEnumerable<ImageExtent> ReadAsync(
        BlockBackend image, long startBytes = 0, long? lengthBytesMax = null, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegative(startBytes);
        long end = image.LengthBytes;
        end = lengthBytesMax < end - startBytes ? startBytes + lengthBytesMax.Value : end;
        ImageExtent? current = null;
        for (long offset = startBytes; offset < end;)
        {
            cancel.ThrowIfCancellationRequested();
            ImageExtent next = Describe(offset, await AskAsync(image, offset, Math.Min(end - offset, QueryBytesMax), cancel));
            offset = next.EndBytes;
            if (current is { } last)
            {
                if (last.Join(next) is { } joined)
                {
                    current = joined;
                    continue;
                }

                yield return last;
            }

            current = next;
        }

        if (current is { } final)
        {
            yield return final;
        }
    }

    private static async ValueTask<ChainStatus> AskAsync(BlockBackend image, long offset, long length, CancellationToken cancel)
    {
        ChainStatus status = await image.GetStatusAboveAsync(offset, length, null, includesBase: false, BlockStatusQuery.Everything, cancel);
        Invariant.Check(status.Status.LengthBytes > 0);
        return status;
    }

    private static ImageExtent Describe(long offset, ChainStatus answer)
    {
        BlockStatus status = answer.Status;
        if (answer.IsBehindEnd)
        {
            // The layer above has nothing below it there, and reads as zeros by itself.
            return new ImageExtent(offset, status.LengthBytes, answer.Depth - 2, false, true, false, null, null);
        }

        bool isOffsetValid = status.IsAllocated && (status.Flags & BlockStatusFlags.OffsetValid) != 0;
        return new ImageExtent(
            offset, status.LengthBytes, answer.Depth - 1, status.IsAllocated, status.IsZero, (status.Flags & BlockStatusFlags.Data) != 0,
            isOffsetValid ? status.HostOffset : null,
            isOffsetValid ? (status.HostChild as BlockChild)?.Node ?? answer.Node : null);
    }
}
