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
    protected override async ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        GuestRun run = await metadata.Map.FindAsync(offset, length);
        BlockStatusFlags flags = run.Kind switch
        {
            SubclusterKind.Unallocated => BlockStatusFlags.None,
            SubclusterKind.Zero => BlockStatusFlags.Zero | BlockStatusFlags.Allocated,
            SubclusterKind.Compressed => BlockStatusFlags.Data | BlockStatusFlags.Allocated,
            SubclusterKind.Data when metadata.IsEncrypted => BlockStatusFlags.Data | BlockStatusFlags.Allocated,
            _ => BlockStatusFlags.Data | BlockStatusFlags.OffsetValid | BlockStatusFlags.Recurse,
        };
        if (run.Kind == SubclusterKind.Zero && run.Entry.HasCluster)
        {
            flags |= BlockStatusFlags.OffsetValid;
        }

        if ((flags & BlockStatusFlags.Recurse) != 0 && (wanted & BlockStatusQuery.Zeroes) != 0 && !await MayHaveHolesAsync(cancel))
        {
            flags &= ~BlockStatusFlags.Recurse;
        }

        return (flags & BlockStatusFlags.OffsetValid) != 0
            ? new BlockStatus(flags, run.LengthBytes, run.HostOffset, metadata.Data)
            : new BlockStatus(flags, run.LengthBytes);
    }

    // To look for holes the system goes through the whole file. As much as the tables take may be missing: they are not written to their ends.
    private async ValueTask<bool> MayHaveHolesAsync(CancellationToken cancel)
    {
        long fileBytes = metadata.Data.LengthBytes;
        if (_holes is not { } found || found.FileBytes != fileBytes)
        {
            long tableBytes = _geometry.HasDataFile ? 0 : CountTableClusters() << _geometry.ClusterBits;
            found = (fileBytes, await metadata.Data.Node.GetAllocatedBytesAsync(cancel) is not { } allocated || allocated < fileBytes - tableBytes);
            _holes = found;
        }

        return found.MayBe;
    }

    private long CountTableClusters()
    {
        ReadOnlySpan<long> blocks = metadata.Refcounts.Blocks;
        ReadOnlySpan<ulong> top = metadata.Map.Top;
        long topClusters = _geometry.RoundUp((long)top.Length * sizeof(ulong)) >> _geometry.ClusterBits;
        return 1 + metadata.Area.Header.RefcountTableClusters + (blocks.Length - blocks.Count(0L)) + topClusters + (top.Length - top.Count(0UL));
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
