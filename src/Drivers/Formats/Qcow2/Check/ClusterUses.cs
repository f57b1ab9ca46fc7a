namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>How often clusters are used in one way beside the first time: of most images never, or as often as they have snapshots.</summary>
internal sealed class ClusterUses
{
    private const int NarrowBits = 16;

    private readonly ClusterNumbers _narrow = new(NarrowBits);

    // The high part of those that are more.
    private readonly Dictionary<long, ulong> _wide = [];

    /// <summary>How often a cluster is.</summary>
    public ulong Get(long cluster) => _narrow.Get(cluster) + (_wide.Count == 0 ? 0 : _wide.GetValueOrDefault(cluster) << NarrowBits);

    /// <summary>It is so many times more often.</summary>
    public void Add(long cluster, ulong count)
    {
        ulong uses = Get(cluster) + count;
        _narrow.Change(cluster, uses & _narrow.Max, _narrow.Max);
        if (uses > _narrow.Max)
        {
            _wide[cluster] = uses >> NarrowBits;
        }
    }

    /// <summary>Forgets everything. The room stays.</summary>
    public void Clear()
    {
        _narrow.Clear();
        _wide.Clear();
    }
}
