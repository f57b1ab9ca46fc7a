using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;

namespace BlockGraph.BlockCore.Backend;

/// <content>What is done about requests of a device that fail. Any thread.</content>
public sealed partial class BlockBackend
{
    private volatile BlockErrorPolicy _readErrorPolicy;
    private volatile BlockErrorPolicy _writeErrorPolicy;
    private volatile bool _isIoStatusEnabled;
    private int _ioStatus;

    /// <summary>What is done about reads that fail. <i>QEMU: rerror.</i></summary>
    public BlockErrorPolicy ReadErrorPolicy
    {
        get => _readErrorPolicy;
        set => _readErrorPolicy = value;
    }

    /// <summary>What is done about any other request that fails. <i>QEMU: werror.</i></summary>
    public BlockErrorPolicy WriteErrorPolicy
    {
        get => _writeErrorPolicy;
        set => _writeErrorPolicy = value;
    }

    /// <summary>Whether the device in front keeps an I/O status; setting it begins a new one. <i>QEMU: blk_iostatus_enable().</i></summary>
    public bool IsIoStatusEnabled
    {
        get => _isIoStatusEnabled;
        set
        {
            ResetIoStatus();
            _isIoStatusEnabled = value;
        }
    }

    /// <summary>True where there is an I/O status to show: it is kept, and one of the policies can stop. <i>QEMU: blk_iostatus_is_enabled().</i></summary>
    public bool HasIoStatus => _isIoStatusEnabled && (_readErrorPolicy.CanStop(isRead: true) || _writeErrorPolicy.CanStop(isRead: false));

    /// <summary>Why requests have stopped: the first failure since the last reset.</summary>
    public BlockIoStatus IoStatus => (BlockIoStatus)Volatile.Read(ref _ioStatus);

    /// <summary>The requests that wait for <see cref="ResumeIoAsync"/>.</summary>
    internal KeptRequests Kept { get; } = new();

    /// <summary>What the policies say about a request that has failed with <paramref name="error"/>.</summary>
    public BlockErrorAction GetErrorAction(bool isRead, BlockException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return (isRead ? _readErrorPolicy : _writeErrorPolicy).ActionFor(isRead, error.Kind);
    }

    /// <summary>
    /// Tells the world of a failure and what is done about it. Where that is to stop, the I/O status is set first, and the machine is asked to
    /// stop last. <i>QEMU: blk_error_action().</i>
    /// </summary>
    public void ApplyErrorAction(BlockErrorAction action, bool isRead, BlockException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        bool isNoSpace = error.Kind == BlockErrorKind.NoSpace;
        bool hasStatus = HasIoStatus;
        if (action == BlockErrorAction.Stop && hasStatus)
        {
            Interlocked.CompareExchange(ref _ioStatus, (int)(isNoSpace ? BlockIoStatus.NoSpace : BlockIoStatus.Failed), (int)BlockIoStatus.Ok);
        }

        Graph.Events.Publish(new BlockIoError(Name ?? "", Root?.Name, isRead, action, hasStatus ? isNoSpace : null, error.Kind.ToErrnoText()));
        if (action == BlockErrorAction.Stop)
        {
            Graph.Events.Publish(new MachineStopRequested(Name ?? ""));
        }
    }

    /// <summary>Nothing has failed any more.</summary>
    public void ResetIoStatus() => Volatile.Write(ref _ioStatus, (int)BlockIoStatus.Ok);

    /// <summary>The machine goes on: the I/O status is reset, and what <see cref="DeviceRequests"/> has kept is made again, in its order. Any thread.</summary>
    public Task ResumeIoAsync() => Graph.MainContext.RunAsync(() =>
    {
        ResetIoStatus();
        Kept.Resume();
        return Task.CompletedTask;
    });
}
