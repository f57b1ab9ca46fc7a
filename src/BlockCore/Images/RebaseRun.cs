using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Images;

/// <summary>One rebase under way: what the overlay has not is compared between the old backing image and the new one, and what differs is written into the overlay.</summary>
internal sealed class RebaseRun(BlockBackend top, BlockNode? oldNode, BlockBackend? oldBacking, BlockBackend? newBacking, IProgress<ImageProgress>? progress, CancellationToken cancel)
{
    /// <summary>Copies, in pieces of at most <paramref name="pieceBytes"/>.</summary>
    public async Task RunAsync(int pieceBytes)
    {
        int unit = Math.Max(top.Root!.Limits.RequestAlignmentBytes, BackingChain.SkipFilters(top.Root).Instance.SubclusterBytes ?? 1);
        pieceBytes = Math.Max(pieceBytes, unit);
        Memory<byte> old = AlignedBuffer.Allocate(pieceBytes, 4096);
        Memory<byte> other = AlignedBuffer.Allocate(pieceBytes, 4096);
        long total = top.LengthBytes;
        for (long offset = 0; offset < total;)
        {
            cancel.ThrowIfCancellationRequested();
            BlockStatus status = (await top.GetStatusAboveAsync(offset, total - offset, oldNode, includesBase: false, BlockStatusQuery.Allocation, cancel)).Status;
            long length = Math.Max(1, status.LengthBytes);
            if (!status.IsAllocated)
            {
                length = Math.Min(length, pieceBytes - (offset % pieceBytes));
                await CompareAsync(offset, old[..(int)length], other[..(int)length], unit);
            }

            offset += length;
            progress?.Report(new ImageProgress(offset, total));
        }
    }

    // Whole units are written, so that what is allocated once is written once.
    private async ValueTask CompareAsync(long offset, Memory<byte> old, Memory<byte> other, int unit)
    {
        await ReadAsync(oldBacking, offset, old, "old");
        await ReadAsync(newBacking, offset, other, "new");
        for (int done = 0; done < old.Length;)
        {
            int end = NextUnit(offset, done, old.Length, unit);
            bool isEqual = IsEqual(old, other, done, end);
            while (end < old.Length && IsEqual(old, other, end, NextUnit(offset, end, old.Length, unit)) == isEqual)
            {
                end = NextUnit(offset, end, old.Length, unit);
            }

            if (!isEqual)
            {
                await WriteAsync(offset + done, old[done..end]);
            }

            done = end;
        }
    }

    private static bool IsEqual(Memory<byte> old, Memory<byte> other, int start, int end) => old.Span[start..end].SequenceEqual(other.Span[start..end]);

    private static int NextUnit(long offset, int done, int length, int unit) => (int)Math.Min(length, done + unit - ((offset + done) % unit));

    // An image that ends before reads as zeros from there on, as does none.
    private async ValueTask ReadAsync(BlockBackend? image, long offset, Memory<byte> buffer, string which)
    {
        int inside = (int)Math.Clamp((image?.LengthBytes ?? 0) - offset, 0, buffer.Length);
        buffer.Span[inside..].Clear();
        if (inside == 0)
        {
            return;
        }

        try
        {
            await image!.ReadAsync(offset, buffer[..inside], RequestFlags.None, cancel);
        }
        catch (BlockException error)
        {
            throw new BlockException(error.Kind, $"error while reading from {which} backing file", error);
        }
    }

    private async ValueTask WriteAsync(long offset, Memory<byte> data)
    {
        try
        {
            await (ZeroRuns.IsZero(data.Span)
                ? top.WriteZeroesAsync(offset, data.Length, RequestFlags.None, cancel)
                : top.WriteAsync(offset, data, RequestFlags.None, cancel));
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Error while writing to COW image: ");
        }
    }
}
