using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Raw;

/// <summary>One raw image: its file's bytes, or a window of them.</summary>
internal sealed class RawInstance(BlockChild file, RawWindow window, FirstSectorGuard? guard) : BlockDriverInstance
{
    // A reopen moves the window, while the node is drained.
    private RawWindow _window = window;

    /// <summary>A guarded image changes its first sector one request at a time, by a lock that any context may wait for.</summary>
    public override RequestAffinity Affinity => RequestAffinity.AnyContext;

    /// <inheritdoc/>
    public override bool PassesCopyOnRead => true;

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.WriteUnchanged | (file.Node.Instance.SupportedWriteFlags & RequestFlags.Fua);

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags =>
        RequestFlags.WriteUnchanged | (file.Node.Instance.SupportedZeroFlags & (RequestFlags.Fua | RequestFlags.MayUnmap | RequestFlags.NoFallback));

    /// <inheritdoc/>
    public override bool CanWriteZeroes => true;

    /// <inheritdoc/>
    public override RequestFlags SupportedLengthFlags => file.Node.Instance.SupportedLengthFlags;

    /// <inheritdoc/>
    protected override long GetLengthBytes() => _window.SizeBytes ?? Math.Max(0, file.LengthBytes - _window.OffsetBytes);

    /// <inheritdoc/>
    protected override async Task<ImageInformation?> GetInformationAsync(CancellationToken cancel) =>
        await file.Node.GetInformationAsync(cancel) is { } below ? below with { IsEncrypted = false, Specific = null } : null;

    /// <inheritdoc/>
    protected override bool TryGetIdlePath(out BlockChild? child, out long shiftBytes)
    {
        child = file;
        shiftBytes = _window.OffsetBytes;
        return guard is null;
    }

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        file.HasDebugListener ? ReadHeardAsync(offset, buffer, flags, cancel) : file.ReadAsync(offset + _window.OffsetBytes, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        file.HasDebugListener ? WriteHeardAsync(offset, buffer, flags, cancel) : WriteGuardedAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if (guard is not null && FirstSectorGuard.Concerns(offset, length))
        {
            await guard.WriteZeroesAsync(Node, offset, length, flags, cancel);
        }
        else
        {
            await file.WriteZeroesAsync(offset + _window.OffsetBytes, length, flags, cancel);
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
            await file.DiscardAsync(offset + _window.OffsetBytes, length, cancel);
        }

        return true;
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> TryCopyFromAsync(long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel) =>
        file.TryCopyFromAsync(offset + _window.OffsetBytes, length, target, flags, cancel);

    /// <summary>What would become of the first sector of a guessed image must be looked at.</summary>
    protected override ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        guard is not null && FirstSectorGuard.Concerns(offset, length) ? new(false) : file.TryCopyToAsync(source, offset + _window.OffsetBytes, length, flags, cancel);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        if (_window.SizeBytes is not null)
        {
            throw new BlockException(BlockErrorKind.NotSupported, "Cannot resize fixed-size raw disks");
        }

        if (lengthBytes > BlockLimits.LengthBytesMax - _window.OffsetBytes)
        {
            throw new BlockException(BlockErrorKind.TooLarge, "Disk size too large for the chosen offset");
        }

        await file.WriteLengthAsync(lengthBytes + _window.OffsetBytes, isExact, preallocation, flags, cancel);
        return true;
    }

    /// <summary>The window may move and change; the role of the file stays what it was when the node was opened.</summary>
    protected override Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        RawWindow window = RawWindow.Read(reopen.CreateReader());
        window.Check(file.LengthBytes);
        reopen.State = window;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override void CommitReopen(ReopenContext reopen)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        _window = (RawWindow)reopen.State!;
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        new(new BlockStatus(BlockStatusFlags.Raw | BlockStatusFlags.OffsetValid, length, offset + _window.OffsetBytes, file));

    private async ValueTask ReadHeardAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await file.DebugEventAsync(DebugEvent.ReadAio);
        await file.ReadAsync(offset + _window.OffsetBytes, buffer, flags, cancel);
    }

    private async ValueTask WriteHeardAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await file.DebugEventAsync(DebugEvent.WriteAio);
        await WriteGuardedAsync(offset, buffer, flags, cancel);
    }

    private ValueTask WriteGuardedAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        guard is not null && FirstSectorGuard.Concerns(offset, buffer.Length)
            ? guard.WriteAsync(Node, offset, buffer, flags, cancel)
            : file.WriteAsync(offset + _window.OffsetBytes, buffer, flags, cancel);
}
