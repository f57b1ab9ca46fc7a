using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Raw;

/// <summary>
/// One raw image. Where the format was only guessed, a write that would make the first sector look like another format is
/// refused: the next open would guess that format, and follow whatever file names its header holds.
/// </summary>
internal sealed class RawInstance(BlockChild file, long windowOffset, long? windowSize, bool isGuarded, DriverRegistry drivers) : BlockDriverInstance
{
    /// <inheritdoc/>
    public override BlockLimits Limits => isGuarded ? new BlockLimits { RequestAlignmentBytes = RawDriver.SectorBytes } : BlockLimits.Unlimited;

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.WriteUnchanged | (file.Node.Instance.SupportedWriteFlags & RequestFlags.Fua);

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags =>
        RequestFlags.WriteUnchanged | (file.Node.Instance.SupportedZeroFlags & (RequestFlags.Fua | RequestFlags.MayUnmap | RequestFlags.NoFallback));

    /// <inheritdoc/>
    protected override long GetLengthBytes() => windowSize ?? file.LengthBytes - windowOffset;

    /// <inheritdoc/>
    protected override bool TryGetIdlePath(out BlockChild? child, out long shiftBytes)
    {
        child = file;
        shiftBytes = windowOffset;
        return !isGuarded;
    }

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        file.ReadAsync(offset + windowOffset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        isGuarded && offset < DriverRegistry.ProbeBytes && buffer.Length > 0 && LooksLikeAnotherFormat(buffer)
            ? ValueTask.FromException(new BlockException(
                BlockErrorKind.NotPermitted, $"Node '{Node.Name}' was probed as raw: its first sector cannot be made to look like another format"))
            : file.WriteAsync(offset + windowOffset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        await file.WriteZeroesAsync(offset + windowOffset, length, flags, cancel);
        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await file.DiscardAsync(offset + windowOffset, length, cancel);
        return true;
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        new(new BlockStatus(BlockStatusFlags.Raw | BlockStatusFlags.OffsetValid, length, offset + windowOffset, file));

    // The guard's alignment makes every write of the first sector a whole one, from offset 0.
    private bool LooksLikeAnotherFormat(IoVector buffer)
    {
        Span<byte> head = stackalloc byte[DriverRegistry.ProbeBytes];
        int length = Math.Min(buffer.Length, head.Length);
        buffer.Slice(0, length).CopyTo(head);
        return drivers.RecognizesOtherThan(Node.Driver, head[..length]);
    }
}
