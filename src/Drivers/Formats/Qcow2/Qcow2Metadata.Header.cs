using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>
/// Changes of the first cluster. Only its first sector is written as a whole: what lies behind that is durable before a sector that leads there, and is not touched while one does.
/// </content>
internal sealed partial class Qcow2Metadata
{
    private const int AtomicBytes = 512;

    private readonly CoMutex _headerChange = new();

    // The first cluster as it is in the file, without the zeros at its end.
    private byte[] _headerCluster = [];

    // The header was to change, and whether a power cut would leave it so is not known.
    private bool _isHeaderUncertain;

    /// <summary>Changes the header's fixed fields, in the file and then in memory.</summary>
    public ValueTask ChangeHeaderAsync(Func<Qcow2Header, Qcow2Header> change) => ChangeAreaAsync(area => area with { Header = change(area.Header) });

    /// <summary>Changes the first cluster, in the file and then in memory.</summary>
    public async ValueTask ChangeAreaAsync(Func<Qcow2HeaderArea, Qcow2HeaderArea> change)
    {
        await _headerChange.EnterAsync();
        try
        {
            Qcow2HeaderArea changed = change(Area);
            if (changed == Area)
            {
                return;
            }

            byte[] cluster = changed.Format(out Qcow2Header header);
            await WriteClusterAsync(cluster, FirstDifference(cluster), EndOfDifference(cluster), isSectorCertain: true);
            _headerCluster = Trim(cluster);
            Area = changed with { Header = header };
        }
        finally
        {
            _headerChange.Exit();
        }
    }

    /// <summary>Changes the header; what it leads to is durable. It holds, durably, or the old one does.</summary>
    /// <exception cref="BlockException">It could not be written. Nothing else is, until it is certain that the old one holds.</exception>
    public async ValueTask SwitchHeaderAsync(Func<Qcow2HeaderArea, Qcow2HeaderArea> change)
    {
        (Qcow2HeaderArea old, byte[] oldCluster) = (Area, _headerCluster);
        try
        {
            await ChangeAreaAsync(change);
            await File.FlushAsync(CancellationToken.None);
        }
        catch (BlockException)
        {
            (Area, _headerCluster) = (old, oldCluster);
            _isHeaderUncertain = true;
            await TryConfirmHeaderAsync();
            throw;
        }
    }

    // The bytes from first to end differ. Where the first sector is certain it is the old area's.
    private async ValueTask WriteClusterAsync(byte[] cluster, int first, int end, bool isSectorCertain)
    {
        int sectorBytes = Math.Min(AtomicBytes, cluster.Length);
        if (end > sectorBytes)
        {
            if (first < sectorBytes && FindShortHeader(cluster) is { } shortHeader)
            {
                // What follows is another than the old sector says, and than the new one will.
                end = Math.Min(end, shortHeader.NameOffset);
                if (!isSectorCertain || !shortHeader.Sector.AsSpan().SequenceEqual(_headerCluster.AsSpan(0, sectorBytes)))
                {
                    await WriteShortHeaderAsync(shortHeader);
                }
            }

            int start = Math.Max(first, sectorBytes);
            await File.WriteAsync(start, cluster.AsMemory(start, end - start), RequestFlags.None, CancellationToken.None);
            await File.FlushAsync(CancellationToken.None);
        }

        if (first < sectorBytes)
        {
            await File.WriteAsync(0, cluster.AsMemory(0, sectorBytes), RequestFlags.None, CancellationToken.None);
        }
    }

    private async ValueTask WriteShortHeaderAsync(Qcow2ShortHeader header)
    {
        if (!header.Name.IsEmpty)
        {
            await File.WriteAsync(header.NameOffset, header.Name, RequestFlags.None, CancellationToken.None);
            await File.FlushAsync(CancellationToken.None);
        }

        await File.WriteAsync(0, header.Sector, RequestFlags.None, CancellationToken.None);
        await File.FlushAsync(CancellationToken.None);
    }

    // Null where there is none, or its name would lie where something else of the old or the new cluster is.
    private Qcow2ShortHeader? FindShortHeader(byte[] cluster)
    {
        if (Area.TryFormatShort(Math.Min(AtomicBytes, cluster.Length)) is not { } found)
        {
            return null;
        }

        long oldNameEnd = Area.Header.BackingNameOffset + Area.Header.BackingNameBytes;
        bool isFree = EndOfContent(cluster) <= found.NameOffset && (oldNameEnd <= found.NameOffset || Area.Header.BackingNameOffset == found.NameOffset);
        return found.Name.IsEmpty || isFree ? found : null;
    }

    // Whatever of old and new is in the file by now, all of the old is written.
    private async ValueTask ConfirmHeaderAsync()
    {
        await WriteClusterAsync(_headerCluster, 0, EndOfContent(_headerCluster), isSectorCertain: false);
        await File.FlushAsync(CancellationToken.None);
        _isHeaderUncertain = false;
    }

    private async ValueTask TryConfirmHeaderAsync()
    {
        try
        {
            await ConfirmHeaderAsync();
        }
        catch (BlockException error)
        {
            Node.Graph.Events.Publish(new BlockWarning($"Node '{Node.Name}': the header of the image could not be written back: {error.Message}"));
        }
    }

    private int FirstDifference(byte[] cluster)
    {
        int same = cluster.AsSpan().CommonPrefixLength(_headerCluster);
        int beyond = same < _headerCluster.Length ? 0 : cluster.AsSpan(same).IndexOfAnyExcept((byte)0);
        return beyond < 0 ? cluster.Length : same + beyond;
    }

    private int EndOfDifference(byte[] cluster)
    {
        int end = Math.Max(EndOfContent(cluster), _headerCluster.Length);
        while (end > 0 && cluster[end - 1] == (end <= _headerCluster.Length ? _headerCluster[end - 1] : 0))
        {
            end--;
        }

        return end;
    }

    private static byte[] Trim(ReadOnlySpan<byte> cluster) => cluster[..Math.Max(EndOfContent(cluster), AtomicBytes)].ToArray();

    private static int EndOfContent(ReadOnlySpan<byte> cluster) => cluster.LastIndexOfAnyExcept((byte)0) + 1;
}
