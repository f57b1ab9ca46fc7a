using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>What lies in a cluster of the file that is not the guest's.</summary>
[Flags]
internal enum MetadataKind
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The first cluster.</summary>
    Header = 1,

    /// <summary>The active L1 table.</summary>
    ActiveL1 = 2,

    /// <summary>An L2 table that the active L1 table leads to.</summary>
    ActiveL2 = 4,

    /// <summary>The refcount table.</summary>
    RefcountTable = 8,

    /// <summary>A block of reference counts.</summary>
    RefcountBlock = 16,

    /// <summary>The table of snapshots.</summary>
    SnapshotTable = 32,

    /// <summary>The L1 table of a snapshot.</summary>
    InactiveL1 = 64,

    /// <summary>An L2 table that only a snapshot leads to.</summary>
    InactiveL2 = 128,

    /// <summary>The directory of bitmaps.</summary>
    BitmapDirectory = 256,
}

/// <summary>Where the image's own structures lie, so that nothing is written over them: what an image says of its clusters may be wrong.</summary>
internal sealed class MetadataPlaces(Qcow2Geometry geometry)
{
    private const int ReservedCountMax = 1 << 18;

    private readonly Dictionary<long, MetadataKind> _kinds = [];

    // Behind every structure that was ever added: an image that grows is written there.
    private long _endCluster;

    /// <summary>Which structures are looked for.</summary>
    public MetadataKind Checked { get; set; } = (MetadataKind)~0;

    /// <summary>As many structures are about to be told of, at most: a dictionary that grows with each of them takes thrice the memory for a moment.</summary>
    public void Reserve(int countMax) => _kinds.EnsureCapacity(Math.Min(countMax, ReservedCountMax));

    /// <summary>From now on a structure lies there.</summary>
    public void Add(MetadataKind kind, long hostOffset, long lengthBytes)
    {
        for (long cluster = hostOffset >> geometry.ClusterBits; cluster << geometry.ClusterBits < hostOffset + lengthBytes; cluster++)
        {
            _kinds[cluster] = _kinds.GetValueOrDefault(cluster) | kind;
            _endCluster = Math.Max(_endCluster, cluster + 1);
        }
    }

    /// <summary>It does not any more.</summary>
    public void Remove(MetadataKind kind, long hostOffset, long lengthBytes)
    {
        for (long cluster = hostOffset >> geometry.ClusterBits; cluster << geometry.ClusterBits < hostOffset + lengthBytes; cluster++)
        {
            MetadataKind left = _kinds.GetValueOrDefault(cluster) & ~kind;
            if (left == MetadataKind.None)
            {
                _kinds.Remove(cluster);
            }
            else
            {
                _kinds[cluster] = left;
            }
        }
    }

    /// <summary>Forgets all structures of some kinds.</summary>
    public void Forget(MetadataKind kinds)
    {
        foreach (long cluster in _kinds.Where(place => (place.Value & kinds) != 0).Select(static place => place.Key).ToArray())
        {
            Remove(kinds, cluster << geometry.ClusterBits, 1);
        }
    }

    /// <summary>True where a range touches no structure that is looked for.</summary>
    public bool IsFree(long hostOffset, long lengthBytes)
    {
        long end = Math.Min(hostOffset + lengthBytes, _endCluster << geometry.ClusterBits);
        for (long cluster = hostOffset >> geometry.ClusterBits; cluster << geometry.ClusterBits < end; cluster++)
        {
            if (_kinds.TryGetValue(cluster, out MetadataKind kind) && (kind & Checked) != 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A cluster where two structures that are looked for lie over each other, and one of them; null for none. A snapshot's tables may be the active ones: who uses the snapshot meets that.</summary>
    public (long Cluster, MetadataKind Kind)? FindOverlap()
    {
        foreach ((long cluster, MetadataKind kinds) in _kinds)
        {
            MetadataKind kind = kinds & Checked;
            if ((kind & (kind - 1)) != 0 && kind is not (MetadataKind.ActiveL1 | MetadataKind.InactiveL1) and not (MetadataKind.ActiveL2 | MetadataKind.InactiveL2))
            {
                return (cluster, (MetadataKind)((int)kind & -(int)kind));
            }
        }

        return null;
    }

    /// <summary>What a person calls a structure.</summary>
    public static string NameOf(MetadataKind kind) => kind switch
    {
        MetadataKind.Header => "qcow2_header",
        MetadataKind.ActiveL1 => "active L1 table",
        MetadataKind.ActiveL2 => "active L2 table",
        MetadataKind.RefcountTable => "refcount table",
        MetadataKind.RefcountBlock => "refcount block",
        MetadataKind.SnapshotTable => "snapshot table",
        MetadataKind.InactiveL1 => "inactive L1 table",
        MetadataKind.InactiveL2 => "inactive L2 table",
        _ => "bitmap directory",
    };

    /// <summary>What a person calls the first structure that a range touches, which touches one.</summary>
    public string Describe(long hostOffset, long lengthBytes)
    {
        for (long cluster = hostOffset >> geometry.ClusterBits; cluster << geometry.ClusterBits < hostOffset + lengthBytes; cluster++)
        {
            MetadataKind kind = _kinds.GetValueOrDefault(cluster) & Checked;
            if (kind != MetadataKind.None)
            {
                return NameOf((MetadataKind)((int)kind & -(int)kind));
            }
        }

        throw new InvariantViolationException("a range that touches no structure was to be described");
    }
}
