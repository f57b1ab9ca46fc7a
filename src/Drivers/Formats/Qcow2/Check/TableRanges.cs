namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// Where the clusters lie that L2 tables lead to, from the first to the last, of some tables together: a pass over a window of clusters passes over those that lead elsewhere. Tables are
/// known by their place in the order in which every pass comes to them.
/// </summary>
internal sealed class TableRanges
{
    private const int GroupCountMax = 1 << 16;

    private (long First, long Last)[] _groups = [];
    private int _tableCount = -1;
    private int _shift;
    private bool _isKnown;

    /// <summary>So many tables are about to be looked at. From the second time on it is known where they lead, if they are as many.</summary>
    public void Begin(int tableCount)
    {
        _isKnown = _tableCount == tableCount;
        if (_isKnown)
        {
            return;
        }

        _tableCount = tableCount;
        _shift = 0;
        while (tableCount >> _shift >= GroupCountMax)
        {
            _shift++;
        }

        _groups = new (long, long)[(tableCount >> _shift) + 1];
        Array.Fill(_groups, (long.MaxValue, -1));
    }

    /// <summary>Not all that leads to tables could be read: another pass may find others.</summary>
    public void Forget() => _tableCount = -1;

    /// <summary>A table leads to some clusters.</summary>
    public void Add(int table, long firstCluster, long lastCluster)
    {
        ref (long First, long Last) group = ref _groups[table >> _shift];
        group = (Math.Min(group.First, firstCluster), Math.Max(group.Last, lastCluster));
    }

    /// <summary>A table has to be looked at in a pass.</summary>
    public bool MayTouch(int table, CountWindow window) =>
        !_isKnown || window.First == 0 || (_groups[table >> _shift].First < window.End && _groups[table >> _shift].Last >= window.First);
}
