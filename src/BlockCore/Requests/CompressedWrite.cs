using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// What a compressed write may look like, at a layer that compresses: whole clusters, for a part of one cannot be written without the rest; the image's last
/// one may be short. Each goes to the driver by itself.
/// </summary>
internal static class CompressedWrite
{
    /// <summary>Refuses a write that the target cannot take as it is.</summary>
    /// <exception cref="BlockException">Its driver does not compress, or the range is none of whole clusters.</exception>
    public static void Check(RequestPlan plan, long offset, long length)
    {
        if ((plan.Instance.SupportedWriteFlags & RequestFlags.WriteCompressed) == 0)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Node '{plan.Target.Name}' cannot write compressed data");
        }

        if (plan.Instance.ClusterBytes is { } cluster && (offset % cluster != 0 || ((offset + length) % cluster != 0 && offset + length != plan.Target.LengthBytes)))
        {
            throw new BlockException($"A compressed write to node '{plan.Target.Name}' must be of whole clusters of {cluster} bytes: {offset}+{length} is not");
        }
    }

    /// <summary>How much the driver gets at once, where it would take <paramref name="stepMax"/> of another write.</summary>
    public static int StepOf(RequestPlan plan, RequestFlags flags, int stepMax) =>
        (flags & RequestFlags.WriteCompressed) != 0 && plan.Instance.ClusterBytes is { } cluster ? Math.Min(cluster, stepMax) : stepMax;
}
