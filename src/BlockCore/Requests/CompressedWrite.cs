using System.Runtime.ExceptionServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// What a compressed write may look like, at a layer that compresses: whole clusters, for a part of one cannot be written without the rest; the image's last
/// one may be short. Each goes to the driver by itself.
/// </summary>
internal static class CompressedWrite
{
    private const int UnderWayMax = 8;

    /// <summary>Refuses a write that the target cannot take as it is.</summary>
    /// <exception cref="BlockException">Its driver does not compress, or the range is none of whole clusters.</exception>
    public static void Check(RequestPlan plan, long offset, long length)
    {
        if ((plan.Instance.SupportedWriteFlags & RequestFlags.WriteCompressed) == 0)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Node '{plan.Target.Name}' cannot write compressed data");
        }

        if (length > 0 && plan.Instance.ClusterBytes is { } cluster && (offset % cluster != 0 || ((offset + length) % cluster != 0 && offset + length != plan.Target.LengthBytes)))
        {
            throw new BlockException($"A compressed write to node '{plan.Target.Name}' must be of whole clusters of {cluster} bytes: {offset}+{length} is not");
        }
    }

    /// <summary>Gives the driver the clusters one by one. One that fails ends the request, but some more are written: as many as would be under way at once.</summary>
    /// <exception cref="BlockException">A cluster failed; of several the first.</exception>
    public static async ValueTask HandOnAsync(RequestPlan plan, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        BlockException? failure = null;
        int stepMax = Math.Min(plan.Instance.ClusterBytes ?? int.MaxValue, (int)(plan.TransferBytesMax & ~plan.AlignmentMask));
        int left = UnderWayMax;
        for (int done = 0; done < buffer.Length && left > 0;)
        {
            left -= failure is null ? 0 : 1;
            int step = Math.Min(buffer.Length - done, stepMax);
            try
            {
                await plan.Instance.WriteAsync(offset + done, buffer.Slice(done, step), flags, cancel);
            }
            catch (BlockException error)
            {
                if (failure is null)
                {
                    (failure, left) = (error, UnderWayMax);
                }
            }

            done += step;
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }
}
