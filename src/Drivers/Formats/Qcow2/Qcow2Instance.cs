using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Formats.Qcow2.Snapshots;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>One open image: what it has is read and written where it lies; the rest comes from the backing node.</summary>
/// <remarks>
/// A request whose tables are in memory, and whose data lies together, goes on to the file at once. Everything else waits: the parts beside this one say how. An
/// entry is changed by whoever has its cluster to himself; which backing node there is is asked anew each time, for it may be another after a drain.
/// </remarks>
internal sealed partial class Qcow2Instance(Qcow2Metadata metadata) : BlockDriverInstance
{
    private readonly BusyClusters _busy = new();

    // Whether the file may have holes where the guest has data, and how long it was when that was found out.
    private (long FileBytes, bool MayBe)? _holes;

    /// <summary>The image's structures.</summary>
    public Qcow2Metadata Metadata => metadata;

    /// <inheritdoc/>
    public override string? BackingFileName => metadata.Area.BackingFileName;

    /// <inheritdoc/>
    public override string? BackingFormat => metadata.Area.BackingFormat;

    /// <inheritdoc/>
    public override IImageSnapshots Snapshots { get; } = new Qcow2Snapshots(metadata);

    /// <inheritdoc/>
    public override IImageBitmaps Bitmaps => metadata.KeptBitmaps;

    /// <inheritdoc/>
    public override int? ClusterBytes => _geometry.ClusterBytes;

    /// <inheritdoc/>
    public override int? SubclusterBytes => _geometry.SubclusterBytes;

    /// <inheritdoc/>
    public override BlockLimits Limits { get; } = new()
    {
        RequestAlignmentBytes = metadata.IsEncrypted ? SectorCipher.SectorBytes : 1,
        WriteZeroesAlignmentBytes = metadata.Geometry.SubclusterBytes,
        DiscardAlignmentBytes = metadata.Geometry.ClusterBytes,
    };

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.WriteUnchanged | (_geometry.HasDataFile || metadata.IsEncrypted ? RequestFlags.None : RequestFlags.WriteCompressed);

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => RequestFlags.WriteUnchanged | RequestFlags.MayUnmap | RequestFlags.NoFallback;

    /// <inheritdoc/>
    public override bool CanWriteZeroes => true;

    // What is allocated from the start holds what its file does: decrypted, that is anything.
    /// <inheritdoc/>
    public override bool IsZeroWhenNew => !metadata.Map.Top.ContainsAnyExcept(0UL) || (!metadata.IsEncrypted && metadata.Data.Node.Instance.IsZeroWhenNew);

    /// <inheritdoc/>
    public override RequestFlags SupportedLengthFlags => RequestFlags.ZeroWrite;

    private readonly Qcow2Geometry _geometry = metadata.Geometry;
    private readonly ClusterBuffers _compressed = new(metadata.Geometry.ClusterBytes, CompressedBytesMax);
    private readonly ClusterBuffers _kept = new(metadata.Geometry.ClusterBytes, KeptBytesMax);

    private long LengthBytes => metadata.ShownLengthBytes ?? metadata.Area.Header.LengthBytes;

    /// <inheritdoc/>
    protected override long GetLengthBytes() => LengthBytes;

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        !metadata.IsEncrypted && buffer.Length <= LengthBytes - offset && metadata.Map.TryMap(offset, buffer.Length, forWrite: false, out long hostOffset)
            && IsUnheard
            ? metadata.Data.ReadAsync(hostOffset, buffer, flags & RequestFlags.RegisteredBuffer, cancel)
            : ReadPiecesAsync(offset, buffer, cancel);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        metadata.HasBegun && !metadata.IsStopped && !metadata.IsEncrypted && (flags & RequestFlags.WriteCompressed) == 0 && buffer.Length <= LengthBytes - offset
                && metadata.Map.TryMap(offset, buffer.Length, forWrite: true, out long hostOffset)
                && IsUnheard
            ? metadata.Data.WriteAsync(hostOffset, buffer, flags & RequestFlags.RegisteredBuffer, cancel)
            : WritePiecesAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override ValueTask FlushAsync(CancellationToken cancel)
    {
        metadata.TrimIfDue();
        return metadata.IsStopped ? default : metadata.WriteBackAsync();
    }

    /// <summary>Of data, the file may know that it reads as zeros.</summary>
    protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        ValueTask<GuestRun> found = metadata.Map.FindAsync(offset, length);
        bool asksFile = (wanted & BlockStatusQuery.Zeroes) != 0 && (!_geometry.HasDataFile || Node.Graph.Profile.AsksDataFilesForHoles);
        return found.IsCompletedSuccessfully && (!asksFile || KnownHoles is not null)
            ? new(StatusOf(found.Result, asksFile && KnownHoles == true))
            : GetStatusSlowAsync(found, asksFile, cancel);
    }

    private async ValueTask<BlockStatus> GetStatusSlowAsync(ValueTask<GuestRun> found, bool asksFile, CancellationToken cancel)
    {
        GuestRun run = await found;
        return StatusOf(run, asksFile && run.Kind == SubclusterKind.Data && await MayHaveHolesAsync(cancel));
    }

    private BlockStatus StatusOf(GuestRun run, bool asksFile)
    {
        BlockStatusFlags flags = run.Kind switch
        {
            SubclusterKind.Unallocated => run.Entry.HasCluster ? BlockStatusFlags.OffsetValid : BlockStatusFlags.None,
            SubclusterKind.Zero => BlockStatusFlags.Zero | BlockStatusFlags.Allocated | (run.Entry.HasCluster ? BlockStatusFlags.OffsetValid : 0),
            SubclusterKind.Compressed => BlockStatusFlags.Data | BlockStatusFlags.Allocated,
            SubclusterKind.Data when metadata.IsEncrypted => BlockStatusFlags.Data | BlockStatusFlags.Allocated,
            _ => BlockStatusFlags.Data | BlockStatusFlags.OffsetValid | (asksFile ? BlockStatusFlags.Recurse : 0),
        };
        return (flags & BlockStatusFlags.OffsetValid) != 0
            ? new BlockStatus(flags, run.LengthBytes, run.HostOffset, metadata.Data)
            : new BlockStatus(flags, run.LengthBytes);
    }

    // Null while it must be found out.
    private bool? KnownHoles => _holes is { } holes && holes.FileBytes == metadata.Data.LengthBytes ? holes.MayBe : null;

    // To look for holes the system goes through the whole file. As much as the tables take may be missing: they are not written to their ends.
    private async ValueTask<bool> MayHaveHolesAsync(CancellationToken cancel)
    {
        if (KnownHoles is { } known)
        {
            return known;
        }

        await metadata.Refcounts.EnsureLoadedAsync(cancel);
        long fileBytes = metadata.Data.LengthBytes;
        long tableBytes = _geometry.HasDataFile ? 0 : CountTableClusters() << _geometry.ClusterBits;
        bool mayBe = await metadata.Data.Node.GetAllocatedBytesAsync(cancel) is not { } allocated || allocated < fileBytes - tableBytes;
        _holes = (fileBytes, mayBe);
        return mayBe;
    }

    private long CountTableClusters()
    {
        long topClusters = _geometry.RoundUp((long)metadata.Map.Top.Length * sizeof(ulong)) >> _geometry.ClusterBits;
        return 1 + metadata.Area.Header.RefcountTableClusters + metadata.Refcounts.UsedEntryCount + topClusters + metadata.Map.UsedEntryCount;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReadPiecesAsync(long offset, IoVector buffer, CancellationToken cancel)
    {
        metadata.TrimIfDue();
        int inside = offset >= VmStateOffset ? buffer.Length : (int)Math.Clamp(LengthBytes - offset, 0, buffer.Length);
        buffer.Slice(inside, buffer.Length - inside).Fill(0);
        for (int done = 0; done < inside;)
        {
            GuestRun run = await metadata.Map.FindAsync(offset + done, inside - done);
            IoVector piece = buffer.Slice(done, (int)run.LengthBytes);
            await ReadRunAsync(run, offset + done, piece, cancel);
            done += piece.Length;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReadRunAsync(GuestRun run, long guestOffset, IoVector piece, CancellationToken cancel)
    {
        switch (run.Kind)
        {
            case SubclusterKind.Data:
                await metadata.File.DebugEventAsync(DebugEvent.ReadAio);
                await metadata.Data.ReadAsync(run.HostOffset, piece, RequestFlags.None, cancel);
                if (metadata.IsEncrypted)
                {
                    Cipher.Decrypt(guestOffset, run.HostOffset, piece);
                }

                break;
            case SubclusterKind.Compressed:
                await metadata.File.DebugEventAsync(DebugEvent.ReadCompressed);
                await ReadCompressedAsync(run.Entry, _geometry.InCluster(guestOffset), piece, cancel);
                break;
            case SubclusterKind.Unallocated when guestOffset < LengthBytes && Node.CowChild is { } backing:
                await metadata.File.DebugEventAsync(DebugEvent.ReadBackingAio);
                await backing.ReadAsync(guestOffset, piece, RequestFlags.None, cancel);
                break;
            default:
                piece.Fill(0);
                break;
        }
    }

    // Whoever listens may make the request wait: that is for the way that can.
    private bool IsUnheard => !metadata.File.HasDebugListener;

    private Qcow2Cipher Cipher => metadata.Cipher ?? throw new BlockException(BlockErrorKind.NotPermitted, $"Node '{Node.Name}' was opened to be looked at: it has no key");

    // What lies in the image there now, and zeros beyond its end: what a write must keep of a cluster.
    private ValueTask ReadOldAsync(long guestOffset, Memory<byte> buffer) => buffer.Length == 0 ? default : ReadPiecesAsync(guestOffset, buffer, CancellationToken.None);

    private async ValueTask BreatheAsync()
    {
        if (metadata.IsCrowded)
        {
            await metadata.WriteBackAsync();
        }
    }
}
