using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <content>Which descriptor is used, and what it locks: the control plane.</content>
internal sealed partial class HostFileInstance
{
    private const BlockPermissions WritingPermissions = BlockPermissions.Write | BlockPermissions.WriteUnchanged | BlockPermissions.Resize;
    private readonly HostPlatform _platform;
    private readonly bool _takesLocks;
    private readonly ImageLocks _locks;
    private HostFileOptions _options;
    private bool _isDynamic;

    // Between check and commit or abort: the descriptor to be, and whether it was opened for these permissions alone.
    private FileHandle? _successor;
    private bool _ownsSuccessor;

    /// <inheritdoc/>
    protected override void CheckPermissions(PermissionSet users, ReopenContext? reopen)
    {
        Invariant.Check(_successor is null);
        FileReopen? prepared = (FileReopen?)reopen?.State;
        FileHandle? forWriting = OpenSuccessor((users.Required & WritingPermissions) != 0, prepared);
        FileHandle? successor = forWriting ?? prepared?.NewHandle;
        if (_takesLocks)
        {
            try
            {
                _locks.Prepare((int)users.Required, (int)users.Shared, successor?.File);
            }
            catch
            {
                forWriting?.Retire();
                throw;
            }
        }

        _successor = successor;
        _ownsSuccessor = forWriting is not null;
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
            Volatile.Write(ref _handle, successor);
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

        if (_ownsSuccessor)
        {
            _successor?.Retire();
        }

        _successor = null;
    }

    /// <summary>Opens the file anew where the present descriptor does not fit the new options.</summary>
    protected override async Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        bool isDynamic = reopen.NewSettings.AutoReadOnly && !reopen.NewIsReadOnly;
        HostFileOptions options = _options with
        {
            IsWritable = !reopen.NewIsReadOnly && !isDynamic,
            IsDirect = reopen.NewSettings.CacheDirect,
            Aio = HostStorageDriver.ReadAio(reopen.CreateReader(), reopen.NewSettings, _platform),
        };
        bool fits = options.Aio == _options.Aio && options.IsDirect == _handle.File.IsDirect && (isDynamic || options.IsWritable == !_handle.File.IsReadOnly);
        FileHandle? handle = null;
        if (!fits)
        {
            reopen.Step("open host file");
            BlockCore.Scheduling.HostFile present = _handle.File;
            handle = new FileHandle(await Node.Graph.MainContext.RunOnWorkers(() => OpenNext(present, options)));
        }

        reopen.State = new FileReopen(options, isDynamic, handle);
    }

    /// <inheritdoc/>
    protected override void CommitReopen(ReopenContext reopen)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        FileReopen prepared = (FileReopen)reopen.State!;
        _options = prepared.NewOptions;
        _isDynamic = prepared.NewIsDynamic;
        if (prepared.NewHandle is { } handle && !ReferenceEquals(handle, _successor))
        {
            // The permissions wanted yet another one.
            handle.Retire();
        }
    }

    /// <inheritdoc/>
    protected override void AbortReopen(ReopenContext reopen)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        ((FileReopen)reopen.State!).NewHandle?.Retire();
    }

    // Null where the descriptor that is there, or is prepared, does. Losing the last writer must not fail: then it stays writable.
    private FileHandle? OpenSuccessor(bool isWriting, FileReopen? prepared)
    {
        BlockCore.Scheduling.HostFile present = (prepared?.NewHandle ?? _handle).File;
        if (!(prepared?.NewIsDynamic ?? _isDynamic) || isWriting == !present.IsReadOnly)
        {
            return null;
        }

        try
        {
            BlockCore.Scheduling.HostFile file = OpenNext(present, (prepared?.NewOptions ?? _options) with { IsWritable = isWriting });
            CheckAlignment(file, present);
            return new FileHandle(file);
        }
        catch (BlockException) when (!isWriting)
        {
            return null;
        }
    }

    // Another descriptor of the same file: no new beginning.
    private BlockCore.Scheduling.HostFile OpenNext(BlockCore.Scheduling.HostFile present, in HostFileOptions options)
    {
        BlockCore.Scheduling.HostFile file = _platform.OpenAgain(present, options);
        file.TakeFlushFailureOf(present);
        return file;
    }

    // Requests are shaped by the limits that the node has; a file that took the name's place may want coarser ones.
    private void CheckAlignment(BlockCore.Scheduling.HostFile file, BlockCore.Scheduling.HostFile present)
    {
        if (file.RequestAlignmentBytes > Math.Max(present.RequestAlignmentBytes, Node.Limits.RequestAlignmentBytes))
        {
            int granted = Node.Limits.RequestAlignmentBytes;
            file.Dispose();
            throw new BlockException(
                BlockErrorKind.NotSupported,
                $"Could not reopen '{file.Path}': it needs requests aligned to {file.RequestAlignmentBytes} bytes now, and node '{Node.Name}' aligns them to {granted}");
        }
    }
}
