using System.Buffers;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Qcow2.Bitmaps;
using BlockGraph.Drivers.Formats.Qcow2.Snapshots;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// The one owner of an open image's structures: header, reference counts, the map of clusters, what was given up; and of the order in which they reach the file.
/// It belongs to the node's home context.
/// </summary>
/// <remarks>
/// Invariants, of what is durable in the file at any moment: (1) what an entry leads to has a count of at least the entries that lead there; (2) the data that an
/// entry leads to was written before; (3) a cluster is not used again before nothing leads to it any more and no request is on its way there. A write-back hence
/// goes: counts, then a flush, then entries; the flush of the next one makes these durable, and what they gave up free.
/// </remarks>
internal sealed partial class Qcow2Metadata
{
    /// <summary>The longest slice of a table in memory.</summary>
    public const int SliceBytesMax = 4096;

    private readonly BlockChild? _data;
    private readonly CoMutex _writeBack = new();
    private readonly CoMutex _beginning = new();
    private bool _hasBegun;

    // Something was changed, or marked as about to be, since the image was last closed or made clean.
    private bool _isInUse;
    private bool _hasWarned;

    public Qcow2Metadata(BlockNode node, BlockChild file, BlockChild? data, Qcow2HeaderArea area, byte[] headerCluster, Qcow2OpenOptions options)
    {
        Node = node;
        File = file;
        _data = data;
        Area = area;
        Geometry = area.Header.CreateGeometry();
        Options = options;
        _headerCluster = headerCluster;
        Places = new MetadataPlaces(Geometry) { Checked = options.Checked };
        Refcounts = new RefcountTable(this, options.RefcountSliceCount(Geometry));
        Map = new ClusterMap(this, options.L2SliceBytes(Geometry), options.L2SliceCount(Geometry, area.Header.LengthBytes));
        Allocator = new ClusterAllocator(this);
        KeptBitmaps = new Qcow2Bitmaps(this);
    }

    /// <summary>The image's node.</summary>
    public BlockNode Node { get; }

    /// <summary>Where the structures are.</summary>
    public BlockChild File { get; }

    /// <summary>Where guest data is: the same, or an external data file.</summary>
    /// <exception cref="BlockException">The image was opened without it.</exception>
    public BlockChild Data => _data ?? throw new BlockException($"Node '{Node.Name}': the image was opened without its data file");

    /// <summary>What guest data is encrypted with; null for nothing, or where the image is only looked at.</summary>
    public Qcow2Cipher? Cipher { get; set; }

    /// <summary>The LUKS volume in the image; null where there is none.</summary>
    public LuksVolume? Volume { get; set; }

    /// <summary>Guest data is encrypted.</summary>
    public bool IsEncrypted => Area.Header.Encryption != Qcow2Encryption.None;

    /// <summary>How the image was opened.</summary>
    public Qcow2OpenOptions Options { get; private set; }

    /// <summary>The first cluster, as it is in the file.</summary>
    public Qcow2HeaderArea Area { get; private set; }

    /// <summary>The units.</summary>
    public Qcow2Geometry Geometry { get; }

    /// <summary>Reference counts.</summary>
    public RefcountTable Refcounts { get; }

    /// <summary>From guest clusters to clusters of the file.</summary>
    public ClusterMap Map { get; }

    /// <summary>Free clusters.</summary>
    public ClusterAllocator Allocator { get; }

    /// <summary>What must not be written over.</summary>
    public MetadataPlaces Places { get; }

    /// <summary>The snapshots inside the image.</summary>
    public SnapshotTable Snapshots { get; private set; } = SnapshotTable.Empty;

    /// <summary>The bitmaps as the file has them.</summary>
    public BitmapDirectory Bitmaps { get; set; } = BitmapDirectory.Empty;

    /// <summary>What keeps them.</summary>
    public Qcow2Bitmaps KeptBitmaps { get; }

    /// <summary>What is wrong with the snapshot table, so that it could not be read; null where it was.</summary>
    public BlockException? SnapshotFault { get; private set; }

    /// <summary>What was given up.</summary>
    public FreedClusters Freed { get; } = new();

    /// <summary>True once a structure was found to be wrong in a way that writing would make worse: nothing is written any more.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>True once the image is ready to be changed: see <see cref="BeginChangeAsync"/>.</summary>
    public bool HasBegun => _hasBegun && !_isHeaderUncertain;

    /// <summary>Reference counts may be behind in the file, for it says that it is dirty.</summary>
    private bool IsLazy => Options.UsesLazyRefcounts(Area.Header) && (Area.Header.Incompatible & Qcow2IncompatibleFeatures.Dirty) != 0;

    /// <summary>How far a backing file reaches that the header names, or is about to, since the image was opened: who opens the image next sees it.</summary>
    public long NamedBackingBytes { get; set; }

    /// <summary>True where a backing node shows what has no cluster, or would where it was not left out.</summary>
    public bool ShowsBacking(long guestOffset) => guestOffset < NamedBackingBytes || (Node.CowChild is { } backing ? guestOffset < backing.LengthBytes : Area.BackingFileName is not null);

    /// <summary>Reads the tables.</summary>
    /// <param name="isForCheck">A snapshot table that cannot be right is no reason to give up: a check tells of it.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    public async Task LoadAsync(bool isForCheck, CancellationToken cancel)
    {
        if (isForCheck || !Node.IsReadOnly || Refcounts.IsLoaded)
        {
            await Refcounts.LoadAsync(cancel);
        }

        await Map.LoadAsync(cancel);
        Snapshots = SnapshotTable.Empty;
        SnapshotFault = null;
        try
        {
            Snapshots = await SnapshotTable.ReadAsync(File, Area.Header, cancel);
        }
        catch (BlockException fault) when (isForCheck && fault.Kind is BlockErrorKind.TooLarge or BlockErrorKind.CorruptImage)
        {
            SnapshotFault = fault;
        }
    }

    /// <summary>Forgets everything and reads it anew: what is in the file holds. No change is under way.</summary>
    public async Task ReloadAsync(CancellationToken cancel)
    {
        (Area, _headerCluster) = await ReadHeaderAsync(File, cancel);
        Freed.Clear();
        Refcounts.Cache.Clear();
        Map.Cache.Clear();
        await LoadAsync(SnapshotFault is not null, cancel);
        Allocator.Restart();
    }

    /// <summary>Reads the bitmaps, too: nobody has changed them in memory.</summary>
    public async Task ReloadBitmapsAsync(CancellationToken cancel)
    {
        Bitmaps = await BitmapDirectory.ReadAsync(File, Area, cancel);
        await KeptBitmaps.ReloadAsync(cancel);
    }

    /// <summary>Reads the first cluster; of its bytes those up to the last one that is not 0, and no less than a sector.</summary>
    /// <exception cref="BlockException">It is none that this driver can use.</exception>
    public static async Task<(Qcow2HeaderArea Area, byte[] Cluster)> ReadHeaderAsync(BlockChild file, CancellationToken cancel)
    {
        byte[] head = new byte[Qcow2Header.Size];
        await file.ReadAsync(0, head, RequestFlags.None, cancel);
        if (!Qcow2Header.TryParse(head, out Qcow2Header header, out BlockException? refusal))
        {
            throw refusal;
        }

        // A cluster of two megabytes for some hundreds of bytes, in each image of a chain: what is kept are those.
        int clusterBytes = 1 << header.ClusterBits;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(clusterBytes);
        try
        {
            Memory<byte> cluster = buffer.AsMemory(0, clusterBytes);
            await file.ReadAsync(0, cluster, RequestFlags.None, cancel);
            return (Qcow2HeaderArea.Parse(header, cluster.Span), Trim(cluster.Span));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Other options hold; the node is drained.</summary>
    public void Adopt(Qcow2OpenOptions options)
    {
        Options = options;
        Places.Checked = options.Checked;
        Refcounts.Cache.SliceCountMax = options.RefcountSliceCount(Geometry);
        Map.Cache.SliceCountMax = options.L2SliceCount(Geometry, Area.Header.LengthBytes);
    }

    /// <summary>
    /// Gets the image ready to be changed: features that this driver does not know are cleared, one with lazy reference counts is marked dirty. Nothing is written by
    /// opening alone.
    /// </summary>
    /// <exception cref="BlockException">It could not be written, or is not to be.</exception>
    public ValueTask BeginChangeAsync() => HasBegun && !IsStopped ? default : BeginAsync();

    /// <summary>A range of the file is about to be written that must not be one of the image's own structures.</summary>
    /// <exception cref="BlockException">It is: the image is marked corrupt.</exception>
    public void ThrowIfMetadata(long hostOffset, long lengthBytes)
    {
        if (!Places.IsFree(hostOffset, lengthBytes))
        {
            throw MarkCorrupt($"Preventing invalid write on metadata (overlaps with {Places.Describe(hostOffset, lengthBytes)})", hostOffset, lengthBytes);
        }
    }

    /// <summary>A structure is wrong in a way that writing would make worse. Nothing is written any more; the image says so to others.</summary>
    /// <returns>What the request that met it ends with.</returns>
    public BlockException MarkCorrupt(string message, long hostOffset, long lengthBytes)
    {
        if (!IsStopped && !Node.IsReadOnly)
        {
            IsStopped = true;
            Node.Graph.Events.Publish(new ImageCorrupted(Node.Name, message, hostOffset, lengthBytes, IsFatal: true,
                $"qcow2: Marking image as corrupt: {message}; further corruption events will be suppressed"));
            Node.Context.Post(static state => ((Qcow2Metadata)state!).WriteCorruptBit(), this);
        }
        else if (!IsStopped)
        {
            ReportCorrupt(message, hostOffset, lengthBytes);
        }

        return Refusal(message);
    }

    /// <summary>A structure is wrong where it is only read: others may be right. The first of them is told of.</summary>
    /// <returns>What the request that met it ends with.</returns>
    public BlockException ReportCorrupt(string message, long hostOffset, long lengthBytes)
    {
        if (!_hasWarned)
        {
            _hasWarned = true;
            Node.Graph.Events.Publish(new ImageCorrupted(Node.Name, message, hostOffset, lengthBytes, IsFatal: false,
                $"qcow2: Image is corrupt: {message}; further non-fatal corruption events will be suppressed"));
        }

        return Refusal(message);
    }

    private BlockException Refusal(string message) => new(BlockErrorKind.InputOutput, $"Node '{Node.Name}': {message}");

    private async ValueTask BeginAsync()
    {
        ThrowIfStopped();
        await _beginning.EnterAsync();
        try
        {
            if (HasBegun)
            {
                return;
            }

            if (!_isInUse && (Area.Header.Incompatible & Qcow2IncompatibleFeatures.Dirty) != 0)
            {
                await MendDirtyAsync();
            }

            if (_isHeaderUncertain)
            {
                await ConfirmHeaderAsync();
            }

            await AddPlacesAsync();
            _isInUse = true;
            Qcow2Header header = Area.Header;
            bool isLazy = Options.UsesLazyRefcounts(header);
            if ((header.Autoclear & ~Qcow2AutoclearFeatures.Known) != 0 || (isLazy && (header.Incompatible & Qcow2IncompatibleFeatures.Dirty) == 0))
            {
                await ChangeHeaderAsync(old => old with
                {
                    Autoclear = old.Autoclear & Qcow2AutoclearFeatures.Known,
                    Incompatible = isLazy ? old.Incompatible | Qcow2IncompatibleFeatures.Dirty : old.Incompatible,
                });
                await File.FlushAsync(CancellationToken.None);
            }

            await KeptBitmaps.MarkInUseAsync();
            _hasBegun = true;
        }
        finally
        {
            _beginning.Exit();
        }
    }

    private async ValueTask AddPlacesAsync()
    {
        await Refcounts.EnsureLoadedAsync(CancellationToken.None);
        Places.Reserve(Refcounts.UsedEntryCount + Map.UsedEntryCount);
        Places.Add(MetadataKind.Header, 0, Geometry.ClusterBytes);
        Refcounts.AddPlaces(Places);
        Map.AddPlaces(Places);
        await Snapshots.AddPlacesAsync(this);
        await Bitmaps.AddPlacesAsync(this);

        // Whoever does not count the first cluster as used would take it for somebody else.
        (long Cluster, MetadataKind Kind)? wrong = Places.FindOverlap() ?? (await Refcounts.GetAsync(0) == 0 ? (0, MetadataKind.Header) : null);
        if (wrong is var (cluster, kind))
        {
            Places.Clear();
            throw MarkCorrupt($"Preventing invalid write on metadata (overlaps with {MetadataPlaces.NameOf(kind)})", cluster << Geometry.ClusterBits, Geometry.ClusterBytes);
        }
    }

    private void ThrowIfStopped()
    {
        if (IsStopped)
        {
            throw new BlockException(BlockErrorKind.InputOutput, $"Node '{Node.Name}': the image is corrupt and is not written any more; check it");
        }
    }

    private void WriteCorruptBit() => _ = WriteCorruptBitAsync();

    // Where that fails nothing more can be done: this open does not write any more.
    private async Task WriteCorruptBitAsync()
    {
        try
        {
            if (Area.Header.Version >= 3)
            {
                await ChangeHeaderAsync(static header => header with { Incompatible = header.Incompatible | Qcow2IncompatibleFeatures.Corrupt });
                await File.FlushAsync(CancellationToken.None);
            }
        }
        catch (BlockException error)
        {
            Node.Graph.Events.Publish(new BlockWarning($"Node '{Node.Name}': the image could not be marked corrupt: {error.Message}"));
        }
    }
}
