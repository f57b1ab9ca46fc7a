using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Raw;

/// <summary>One raw image: its file's bytes, or a window of them.</summary>
internal sealed class RawInstance(BlockChild file, long windowOffset, long? windowSize, FirstSectorGuard? guard) : BlockDriverInstance
{
    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.WriteUnchanged | (file.Node.Instance.SupportedWriteFlags & RequestFlags.Fua);

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags =>
        RequestFlags.WriteUnchanged | (file.Node.Instance.SupportedZeroFlags & (RequestFlags.Fua | RequestFlags.MayUnmap | RequestFlags.NoFallback));

    /// <inheritdoc/>
    protected override long GetLengthBytes() => windowSize ?? Math.Max(0, file.LengthBytes - windowOffset);

    /// <inheritdoc/>
    protected override bool TryGetIdlePath(out BlockChild? child, out long shiftBytes)
    {
        child = file;
        shiftBytes = windowOffset;
        return guard is null;
    }

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        file.ReadAsync(offset + windowOffset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        guard is not null && FirstSectorGuard.Concerns(offset, buffer.Length)
            ? guard.WriteAsync(Node, offset, buffer, flags, cancel)
            : file.WriteAsync(offset + windowOffset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if (guard is not null && FirstSectorGuard.Concerns(offset, length))
        {
            await guard.WriteZeroesAsync(Node, offset, length, flags, cancel);
        }
        else
        {
            await file.WriteZeroesAsync(offset + windowOffset, length, flags, cancel);
        }

        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        if (guard is not null && FirstSectorGuard.Concerns(offset, length))
        {
            await guard.DiscardAsync(Node, offset, length, cancel);
        }
        else
        {
            await file.DiscardAsync(offset + windowOffset, length, cancel);
        }

        return true;
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        new(new BlockStatus(BlockStatusFlags.Raw | BlockStatusFlags.OffsetValid, length, offset + windowOffset, file));
}
