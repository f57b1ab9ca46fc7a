using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Samples.Embedding.Storage;

/// <summary>Memory that disks take from cluster by cluster, as they are written. It can be full.</summary>
public sealed class ThinPool(int capacityClusters)
{
    /// <summary>Bytes of a cluster.</summary>
    public const int ClusterBytes = 64 << 10;

    /// <summary>How many clusters there are.</summary>
    public int CapacityClusters { get; private set; } = capacityClusters;

    /// <summary>How many of them are taken.</summary>
    public int UsedClusters { get; private set; }

    /// <summary>Takes <paramref name="count"/> clusters, or none.</summary>
    /// <exception cref="BlockException">There are not so many (<see cref="BlockErrorKind.NoSpace"/>).</exception>
    public void Take(int count)
    {
        if (count > CapacityClusters - UsedClusters)
        {
            throw new BlockException(BlockErrorKind.NoSpace, "The pool is full");
        }

        UsedClusters += count;
    }

    /// <summary>Gives one back.</summary>
    public void Return() => UsedClusters--;

    /// <summary>Somebody has bought memory.</summary>
    public void Grow(int clusterCount) => CapacityClusters += clusterCount;
}
