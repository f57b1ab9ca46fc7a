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
    private readonly ClusterKinds _kinds = new();

    // Behind every structure that was ever added: an image that grows is written there.
    private long _endCluster;

    /// <summary>Which structures are looked for.</summary>
    public MetadataKind Checked { get; set; } = (MetadataKind)~0;

    /// <summary>As many structures are about to be told of, at most.</summary>
    public void Reserve(int countMax) => _kinds.Reserve(countMax);

    /// <summary>From now on a structure lies there.</summary>
    public void Add(MetadataKind kind, long hostOffset, long lengthBytes)
    {
        for (long cluster = hostOffset >> geometry.ClusterBits; cluster << geometry.ClusterBits < hostOffset + lengthBytes; cluster++)
        {
            _kinds.Add(cluster, kind);
            _endCluster = Math.Max(_endCluster, cluster + 1);
        }
    }

    /// <summary>It does not any more.</summary>
    public void Remove(MetadataKind kind, long hostOffset, long lengthBytes)
    {
        for (long cluster = hostOffset >> geometry.ClusterBits; cluster << geometry.ClusterBits < hostOffset + lengthBytes; cluster++)
        {
            _kinds.Remove(cluster, kind);
        }
    }

    /// <summary>Forgets all structures.</summary>
    public void Clear()
    {
        _kinds.Clear();
        _endCluster = 0;
    }

    /// <summary>True where a range touches no structure that is looked for.</summary>
    public bool IsFree(long hostOffset, long lengthBytes)
    {
        long end = Math.Min(hostOffset + lengthBytes, _endCluster << geometry.ClusterBits);
        for (long cluster = hostOffset >> geometry.ClusterBits; cluster << geometry.ClusterBits < end; cluster++)
        {
            if ((_kinds.Get(cluster) & Checked) != 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The first cluster where two structures that are looked for lie over each other, and one of them; null for none. A snapshot's tables may be the active ones: who uses the snapshot meets that.</summary>
    public (long Cluster, MetadataKind Kind)? FindOverlap()
    {
        (long Cluster, MetadataKind Kind)? first = null;
        foreach ((long cluster, MetadataKind kinds) in _kinds.All)
        {
            MetadataKind kind = kinds & Checked;
            if ((kind & (kind - 1)) != 0 && kind is not (MetadataKind.ActiveL1 | MetadataKind.InactiveL1) and not (MetadataKind.ActiveL2 | MetadataKind.InactiveL2)
                && (first is not { } other || cluster < other.Cluster))
            {
                first = (cluster, (MetadataKind)((int)kind & -(int)kind));
            }
        }

        return first;
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
            MetadataKind kind = _kinds.Get(cluster) & Checked;
            if (kind != MetadataKind.None)
            {
                return NameOf((MetadataKind)((int)kind & -(int)kind));
            }
        }

        throw new InvariantViolationException("a range that touches no structure was to be described");
    }
}
