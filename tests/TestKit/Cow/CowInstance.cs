using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.TestKit.Cow;

/// <summary>One open <c>cow</c> image: what it has is read from and written to the file as it is; the rest comes from the backing node.</summary>
/// <remarks>
/// Invariants: (1) an entry is changed by whoever has its cluster to itself; requests to data that is there go past all that; (2) the bytes of a
/// cluster beyond the image's end are zeros; (3) which backing node there is is asked anew each time: it may be another after a drain.
/// </remarks>
internal sealed partial class CowInstance : BlockDriverInstance
{
    private readonly BlockChild _file;
    private readonly CowMetadata _metadata;
    private readonly BusyClusters _busy = new();
    private readonly CowBitmaps _bitmaps;
    private CowOptions _options;

    public CowInstance(BlockChild file, CowMetadata metadata, in CowOptions options, CowMemory memory, BlockNode node)
    {
        _file = file;
        _metadata = metadata;
        Snapshots = new CowSnapshots(file, metadata, memory);
        _bitmaps = new CowBitmaps(node, memory);
        Adopt(options);
    }

    /// <inheritdoc/>
    public override string? BackingFileName => _metadata.Header.BackingFileName;

    /// <inheritdoc/>
    public override string? BackingFormat => _metadata.Header.BackingFormat;

    /// <inheritdoc/>
    public override IImageSnapshots Snapshots { get; }

    /// <inheritdoc/>
    public override IImageBitmaps Bitmaps => _bitmaps;

    /// <inheritdoc/>
    public override int? ClusterBytes => _metadata.Header.ClusterBytes;

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => RequestFlags.WriteUnchanged | RequestFlags.MayUnmap | RequestFlags.NoFallback;

    /// <inheritdoc/>
    public override bool CanWriteZeroes => true;

    /// <inheritdoc/>
    public override RequestFlags SupportedLengthFlags => RequestFlags.ZeroWrite;

    private int UnitBytes => _metadata.Header.ClusterBytes;

    private CowTable Table => _metadata.Table;

    private long LengthBytes => _options.LengthBytes ?? _metadata.Header.LengthBytes;

    /// <inheritdoc/>
    protected override long GetLengthBytes() => LengthBytes;

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        TryMap(offset, buffer.Length, out long hostOffset) ? _file.ReadAsync(hostOffset, buffer, flags, cancel) : ReadPiecesAsync(offset, buffer, cancel);

    /// <inheritdoc/>
    protected override ValueTask FlushAsync(CancellationToken cancel) => _metadata.WriteBackAsync();

    /// <summary>Of data, the file may know that it reads as zeros.</summary>
    protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        CowEntry entry = Table[Table.ClusterOf(offset)];
        ThrowIfCorrupt(entry, offset);
        length = Table.RunLength(offset, length);
        return new(entry.IsData ? new BlockStatus(BlockStatusFlags.Data | BlockStatusFlags.OffsetValid | BlockStatusFlags.Recurse, length, HostOffset(entry, offset), _file)
            : new BlockStatus(entry.IsZero ? BlockStatusFlags.Zero | BlockStatusFlags.Allocated : BlockStatusFlags.None, length));
    }

    // What is shown of the image, whether or not a last block goes beyond it.
    private bool TryMap(long offset, int length, out long hostOffset)
    {
        hostOffset = 0;
        return length <= LengthBytes - offset && Table.TryMap(offset, length, out hostOffset);
    }

    private async ValueTask ReadPiecesAsync(long offset, IoVector buffer, CancellationToken cancel)
    {
        int inside = (int)Math.Clamp(LengthBytes - offset, 0, buffer.Length);
        buffer.Slice(inside, buffer.Length - inside).Fill(0);
        for (int done = 0; done < inside;)
        {
            long at = offset + done;
            CowEntry entry = Table[Table.ClusterOf(at)];
            ThrowIfCorrupt(entry, at);
            int step = (int)Table.RunLength(at, inside - done);
            IoVector piece = buffer.Slice(done, step);
            if (entry.IsData)
            {
                await _file.ReadAsync(HostOffset(entry, at), piece, RequestFlags.None, cancel);
            }
            else if (entry.IsUnallocated)
            {
                await ReadBackingAsync(at, piece, cancel);
            }
            else
            {
                piece.Fill(0);
            }

            done += step;
        }
    }

    private ValueTask ReadBackingAsync(long offset, IoVector buffer, CancellationToken cancel)
    {
        if (Node.CowChild is { } backing)
        {
            return backing.ReadAsync(offset, buffer, RequestFlags.None, cancel);
        }

        buffer.Fill(0);
        return default;
    }

    private long HostOffset(CowEntry entry, long offset) => entry.HostOffset + (offset & (UnitBytes - 1));

    private void ThrowIfCorrupt(CowEntry entry, long offset)
    {
        if (entry.IsCorrupt)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"Node '{Node.Name}': table entry {Table.ClusterOf(offset)} leads outside of the image's data; check the image");
        }
    }

    private void Adopt(in CowOptions options)
    {
        _options = options;
        _metadata.IsLazy = options.IsTableLazy;
    }
}
