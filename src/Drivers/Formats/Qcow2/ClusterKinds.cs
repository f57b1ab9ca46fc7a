namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Which structures lie in each cluster of a file, of those few that hold any.</summary>
internal sealed class ClusterKinds
{
    private const int KindBits = 9;

    private readonly ClusterNumbers _kinds = new(KindBits);

    /// <summary>How many clusters there are.</summary>
    public int Count => _kinds.Count;

    /// <summary>All of them, in no order.</summary>
    public IEnumerable<(long Cluster, MetadataKind Kinds)> All => _kinds.All.Select(static entry => (entry.Cluster, (MetadataKind)entry.Number));

    /// <inheritdoc cref="ClusterNumbers.Reserve"/>
    public void Reserve(long countMax) => _kinds.Reserve(countMax);

    /// <summary>What lies in a cluster.</summary>
    public MetadataKind Get(long cluster) => (MetadataKind)_kinds.Get(cluster);

    /// <summary>Something lies in a cluster, beside what is there.</summary>
    /// <returns>What was there before.</returns>
    public MetadataKind Add(long cluster, MetadataKind kind) => (MetadataKind)_kinds.Change(cluster, (ulong)kind, 0);

    /// <summary>It does not any more.</summary>
    public void Remove(long cluster, MetadataKind kind) => _kinds.Change(cluster, 0, (ulong)kind);

    /// <inheritdoc cref="ClusterNumbers.Clear"/>
    public void Clear() => _kinds.Clear();
}
