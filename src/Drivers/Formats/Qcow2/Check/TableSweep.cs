namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>A piece of the file that tables cover, all of it the same ones.</summary>
/// <param name="HostOffset">Where it begins.</param>
/// <param name="LengthBytes">How long it is.</param>
/// <param name="Weight">How many tables cover it.</param>
/// <param name="IsActive">One of them is in use by the guest.</param>
internal readonly record struct TablePiece(long HostOffset, long LengthBytes, ulong Weight, bool IsActive);

/// <summary>
/// Tables that may lie over each other, as in an image that lies: each byte is looked at once, however many of them cover it. Otherwise a short image could keep a
/// check busy for days.
/// </summary>
internal sealed class TableSweep(Qcow2Geometry geometry)
{
    private readonly List<(long HostOffset, int Change, bool IsActive)> _edges = [];

    /// <summary>A table lies there.</summary>
    public void Add(long hostOffset, long lengthBytes, bool isActive)
    {
        _edges.Add((hostOffset, 1, isActive));
        _edges.Add((hostOffset + lengthBytes, -1, isActive));
    }

    /// <summary>What is covered, in the order of the file.</summary>
    public IEnumerable<TablePiece> Pieces() => Sweep(static hostOffset => hostOffset);

    /// <summary>The clusters that are covered, wholly or in part, in the order of the file.</summary>
    public IEnumerable<TablePiece> Clusters() => Sweep(geometry.RoundUp);

    private IEnumerable<TablePiece> Sweep(Func<long, long> round)
    {
        long weight = 0;
        long active = 0;
        long start = 0;
        foreach ((long edge, int change, bool isActive) in _edges.OrderBy(static edge => edge.HostOffset))
        {
            long hostOffset = round(edge);
            if (weight > 0 && hostOffset > start)
            {
                yield return new TablePiece(start, hostOffset - start, (ulong)weight, active > 0);
            }

            start = hostOffset;
            weight += change;
            active += isActive ? change : 0;
        }
    }
}
