namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>What an image's structures lead to: how often each cluster of a window is used, and what every cluster is used for. Passes use one after each other, for the room it has.</summary>
internal sealed class ImageReferences(Qcow2Metadata metadata)
{
    private const MetadataKind AnyL2 = MetadataKind.ActiveL2 | MetadataKind.InactiveL2;

    private readonly Qcow2Geometry _geometry = metadata.Geometry;

    // In the order of the guest, each once. The index of the entry that leads there matters only where data lies at the guest's own offsets.
    private readonly List<long> _activeTables = [];
    private readonly List<int> _activeIndexes = [];

    // How many L1 entries lead to a table beside the first: none, of most.
    private readonly ClusterUses _moreTableUses = new();

    // How often clusters are used as a block of counts beside the first time: never, of an image that is not broken.
    private readonly ClusterUses _moreBlockUses = new();

    /// <summary>How often each cluster is used.</summary>
    public ReferenceCounts Counts { get; private set; } = new(new CountWindow(0, long.MaxValue));

    /// <summary>Which structures each cluster holds a part of.</summary>
    public ClusterKinds Kinds { get; } = new();

    /// <summary>The pieces of the file where L1 tables lie, in order.</summary>
    public List<TablePiece> Tops { get; } = [];

    /// <summary>How many L2 tables there are.</summary>
    public int TableCount { get; private set; }

    /// <summary>Where the blocks of reference counts lie that can be read, by their index; -1 for those that cannot, or are not there.</summary>
    public long[] Blocks { get; private set; } = [];

    /// <summary>What counts references can be changed where it is.</summary>
    public bool IsCountedSoundly { get; set; } = true;

    /// <summary>Something leads nowhere or could not be read: of what looks unused some may be what it should lead to.</summary>
    public bool HidesReferences { get; set; }

    /// <summary>Forgets everything: a pass begins.</summary>
    public void Restart(CountWindow window)
    {
        Counts = new ReferenceCounts(window);
        Kinds.Clear();
        Tops.Clear();
        _activeTables.Clear();
        _activeIndexes.Clear();
        _moreTableUses.Clear();
        _moreBlockUses.Clear();
        Blocks = Blocks.Length == metadata.Refcounts.EntryCount ? Blocks : new long[metadata.Refcounts.EntryCount];
        Array.Fill(Blocks, -1);
        (TableCount, IsCountedSoundly, HidesReferences) = (0, true, false);
    }

    /// <summary>So many L2 tables and blocks of reference counts are about to come, at most.</summary>
    public void Reserve(int tableCount, int blockCount)
    {
        _activeTables.EnsureCapacity(tableCount);
        Kinds.Reserve(tableCount + (long)blockCount);
    }

    /// <summary>L1 entries lead to an L2 table whose cluster is counted already.</summary>
    /// <param name="hostOffset">Where it lies.</param>
    /// <param name="kindsBefore">What was known of its cluster before it was counted for them.</param>
    /// <param name="weight">How many.</param>
    /// <param name="activeIndex">The index of the entry in the active L1 table, where it is one; -1 where it is not.</param>
    public void AddTable(long hostOffset, MetadataKind kindsBefore, ulong weight, int activeIndex)
    {
        bool isNew = (kindsBefore & AnyL2) == 0;
        TableCount += isNew ? 1 : 0;
        _moreTableUses.Add(hostOffset >> _geometry.ClusterBits, isNew ? weight - 1 : weight);
        if (activeIndex >= 0 && (kindsBefore & MetadataKind.ActiveL2) == 0)
        {
            _activeTables.Add(hostOffset);
            if (_geometry.HasDataFile)
            {
                _activeIndexes.Add(activeIndex);
            }
        }
    }

    /// <summary>A cluster is used as a block of counts, and was known as one.</summary>
    public void AddBlockUse(long cluster) => _moreBlockUses.Add(cluster, 1);

    /// <summary>How often a cluster is used as a block of counts, which it is.</summary>
    public ulong BlockUsesOf(long cluster) => 1 + _moreBlockUses.Get(cluster);

    /// <summary>The L2 tables that the active L1 table leads to, in the order of the guest, each once.</summary>
    public IEnumerable<(long HostOffset, TableUse Use)> ActiveTables()
    {
        for (int i = 0; i < _activeTables.Count; i++)
        {
            yield return (_activeTables[i], new TableUse(WeightOf(_activeTables[i]), true, _geometry.HasDataFile ? _activeIndexes[i] : 0));
        }
    }

    /// <summary>Those that only snapshots lead to, in the order of the file.</summary>
    public IEnumerable<(long HostOffset, TableUse Use)> InactiveTables()
    {
        long[] clusters = [.. from place in Kinds.All where (place.Kinds & AnyL2) == MetadataKind.InactiveL2 select place.Cluster];
        Array.Sort(clusters);
        return clusters.Select(cluster => cluster << _geometry.ClusterBits).Select(table => (table, new TableUse(WeightOf(table), false, 0)));
    }

    /// <summary>A cluster holds parts of an L2 table and of no other structure.</summary>
    public bool IsPlainTable(long cluster) => (Kinds.Get(cluster) & ~AnyL2) == 0;

    /// <summary>A cluster holds a part of one structure of this kind, and nothing else is known to use it.</summary>
    public bool IsAlone(long cluster, MetadataKind kind) => Kinds.Get(cluster) == kind && (!Counts.Window.Contains(cluster) || Counts.Get(cluster) == 1);

    /// <summary>The clusters that hold more than one structure, in order, with what a person calls these.</summary>
    public IEnumerable<(long Cluster, string Names)> Overlaps() =>
        from place in Kinds.All
        where (place.Kinds & (place.Kinds - 1)) != 0 && place.Kinds != AnyL2
        orderby place.Cluster
        select (place.Cluster, string.Join(", ", Enum.GetValues<MetadataKind>().Where(kind => kind != MetadataKind.None && place.Kinds.HasFlag(kind)).Select(MetadataPlaces.NameOf)));

    private ulong WeightOf(long table) => 1 + _moreTableUses.Get(table >> _geometry.ClusterBits);
}
