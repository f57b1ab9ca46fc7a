namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>What an image's structures lead to: how often each cluster is used, and for what.</summary>
internal sealed class ImageReferences
{
    private const MetadataKind AnyL2 = MetadataKind.ActiveL2 | MetadataKind.InactiveL2;

    /// <summary>How often each cluster is used.</summary>
    public ReferenceCounts Counts { get; } = new();

    /// <summary>How often each is used as a block of reference counts.</summary>
    public ReferenceCounts BlockCounts { get; } = new();

    /// <summary>Which structures each cluster holds a part of.</summary>
    public Dictionary<long, MetadataKind> Kinds { get; } = [];

    /// <summary>The pieces of the file where L1 tables lie, in order.</summary>
    public List<TablePiece> Tops { get; } = [];

    /// <summary>The L2 tables, by where they lie.</summary>
    public Dictionary<long, TableUse> Tables { get; } = [];

    /// <summary>Where the active ones lie, in the order of the guest.</summary>
    public List<long> ActiveTables { get; } = [];

    /// <summary>The blocks of reference counts that can be read, by their index.</summary>
    public SortedDictionary<int, long> Blocks { get; } = [];

    /// <summary>What counts references can be changed where it is.</summary>
    public bool IsCountedSoundly { get; set; } = true;

    /// <summary>Something leads nowhere or could not be read: of what looks unused some may be what it should lead to.</summary>
    public bool HidesReferences { get; set; }

    /// <summary>A cluster holds parts of an L2 table and of no other structure.</summary>
    public bool IsPlainTable(long cluster) => (Kinds.GetValueOrDefault(cluster) & ~AnyL2) == 0;

    /// <summary>A cluster holds a part of one structure of this kind, and nothing else uses it.</summary>
    public bool IsAlone(long cluster, MetadataKind kind) => Kinds.GetValueOrDefault(cluster) == kind && Counts.Get(cluster) == 1;

    /// <summary>The clusters that hold more than one structure, in order, with what a person calls these.</summary>
    public IEnumerable<(long Cluster, string Names)> Overlaps() =>
        from pair in Kinds
        where (pair.Value & (pair.Value - 1)) != 0 && pair.Value != AnyL2
        orderby pair.Key
        select (pair.Key, string.Join(", ", Enum.GetValues<MetadataKind>().Where(kind => kind != MetadataKind.None && pair.Value.HasFlag(kind)).Select(MetadataPlaces.NameOf)));
}
