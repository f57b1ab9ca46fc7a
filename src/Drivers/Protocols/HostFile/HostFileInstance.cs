using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>
/// One open file. Transfers run on workers; what the users need together becomes byte locks that other processes see, and, with
/// auto-read-only, a descriptor that is writable only while somebody writes.
/// </summary>
/// <remarks>
/// A permission change: the successor, where one is needed, is opened and locked in Check; Commit swaps; the old descriptor is
/// closed by its last transfer. Abort closes the successor. Nothing in Commit and Abort can fail.
/// </remarks>
internal sealed class HostFileInstance : BlockDriverInstance
{
    private const BlockPermissions WritingPermissions = BlockPermissions.Write | BlockPermissions.WriteUnchanged | BlockPermissions.Resize;
    private readonly HostPlatform _platform;
    private readonly HostFileOptions _options;
    private readonly bool _isDynamic;
    private readonly bool _takesLocks;
    private readonly ImageLocks _locks;
    private FileHandle _handle;
    private FileHandle? _successor;
    private FileTransfer? _freeTransfers;

    public HostFileInstance(FileHandle handle, HostPlatform platform, HostFileOptions options, bool isDynamic, bool takesLocks)
    {
        _handle = handle;
        _platform = platform;
        _options = options;
        _isDynamic = isDynamic;
        _takesLocks = takesLocks;
        _locks = new ImageLocks(handle.File);
    }

    /// <inheritdoc/>
    public override BlockLimits Limits => new()
    {
        RequestAlignmentBytes = _handle.File.RequestAlignmentBytes,
        MemoryAlignmentBytes = _handle.File.MemoryAlignmentBytes,
    };

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => RequestFlags.MayUnmap | RequestFlags.NoFallback | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    protected override long GetLengthBytes()
    {
        try
        {
            return _handle.File.GetLengthBytes();
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Could not refresh total sector count: ");
        }
    }

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        Rent().Submit(_handle, RequestKind.Read, offset, buffer);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        Rent().Submit(_handle, RequestKind.Write, offset, buffer);

    /// <inheritdoc/>
    protected override ValueTask FlushAsync(CancellationToken cancel) =>
        _handle.File.IsReadOnly ? default : Rent().Submit(_handle, RequestKind.Flush, 0, default);

    /// <inheritdoc/>
    protected override ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        OnWorkerAsync(file => file.TryZeroRange(offset, length, (flags & RequestFlags.MayUnmap) != 0));

    /// <inheritdoc/>
    protected override ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel) =>
        OnWorkerAsync(file => file.TryPunchHole(offset, length));

    /// <inheritdoc/>
    protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        OnWorkerAsync(file =>
        {
            BlockStatusFlags flags = BlockStatusFlags.Data;
            if (file.TryGetExtent(offset, length, out bool isData, out long extentBytes))
            {
                flags = isData ? BlockStatusFlags.Data : BlockStatusFlags.Zero;
                length = extentBytes;
            }

            return new BlockStatus(flags | BlockStatusFlags.OffsetValid, length, offset);
        });

    /// <inheritdoc/>
    protected override void CheckPermissions(PermissionSet users)
    {
        Invariant.Check(_successor is null);
        FileHandle? successor = OpenSuccessor((users.Required & WritingPermissions) != 0);
        if (_takesLocks)
        {
            try
            {
                _locks.Prepare((int)users.Required, (int)users.Shared, successor?.File);
            }
            catch
            {
                successor?.Retire();
                throw;
            }
        }

        _successor = successor;
    }

    /// <inheritdoc/>
    protected override void CommitPermissions(PermissionSet users)
    {
        if (_takesLocks)
        {
            _locks.Commit();
        }

        if (_successor is { } successor)
        {
            FileHandle old = _handle;
            _handle = successor;
            _successor = null;
            old.Retire();
        }
    }

    /// <inheritdoc/>
    protected override void AbortPermissions()
    {
        if (_takesLocks)
        {
            _locks.Abort();
        }

        _successor?.Retire();
        _successor = null;
    }

    /// <summary>The pooled transfers belong to the context that is left.</summary>
    protected override void DetachContext()
    {
        Invariant.Check(_handle.IsIdle);
        _freeTransfers = null;
    }

    /// <inheritdoc/>
    protected override ValueTask CloseAsync()
    {
        Invariant.Check(_handle.IsIdle);
        Invariant.Check(_successor is null);
        _handle.Retire();
        return default;
    }

    internal void Return(FileTransfer transfer)
    {
        transfer.NextFree = _freeTransfers;
        _freeTransfers = transfer;
    }

    // Null where the present descriptor does. Losing the last writer must not fail: then it stays writable.
    private FileHandle? OpenSuccessor(bool isWriting)
    {
        if (!_isDynamic || isWriting == !_handle.File.IsReadOnly)
        {
            return null;
        }

        try
        {
            BlockCore.Scheduling.HostFile file = _platform.OpenFile(_options with { IsWritable = isWriting });
            CheckAlignment(file);
            return new FileHandle(file);
        }
        catch (BlockException) when (!isWriting)
        {
            return null;
        }
    }

    // Requests are shaped by the limits that the node has; a file that took the name's place may want coarser ones.
    private void CheckAlignment(BlockCore.Scheduling.HostFile file)
    {
        int present = Node.Limits.RequestAlignmentBytes;
        if (file.RequestAlignmentBytes > present)
        {
            file.Dispose();
            throw new BlockException(
                BlockErrorKind.NotSupported,
                $"Could not reopen '{file.Path}': it needs requests aligned to {file.RequestAlignmentBytes} bytes now, and node '{Node.Name}' aligns them to {present}");
        }
    }

    private FileTransfer Rent()
    {
        // One pool, no lock: all requests come on the node's own context, and a transfer refuses to be submitted elsewhere.
        FileTransfer? transfer = _freeTransfers;
        if (transfer is null)
        {
            return new FileTransfer(Node.Context, this);
        }

        _freeTransfers = transfer.NextFree;
        return transfer;
    }

    private async ValueTask<T> OnWorkerAsync<T>(Func<BlockCore.Scheduling.HostFile, T> work)
    {
        FileHandle handle = _handle;
        handle.Begin();
        try
        {
            return await Node.Context.RunOnWorkers(() => work(handle.File));
        }
        finally
        {
            handle.End();
        }
    }
}
