using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Backend;

/// <summary>
/// The way of a device model into its backend, where it wants the error policies obeyed: a failed request is reported, counts as
/// done, or is kept and made again when the machine goes on. <i>QEMU: what virtio-blk, IDE and SCSI do about rerror and werror.</i>
/// </summary>
/// <remarks>
/// <para>A kept request is not in flight: drains do not wait for it, and its buffer is still in use. It ends by <see cref="ResumeAsync"/>, by its
/// cancellation, or with its own error when the device is detached or the backend closed.</para>
/// <para>One stop is told once, however many requests fail before the machine goes on. What is wrong with the request itself (beyond the end, a write
/// through a read-only backend) is reported whatever the policy says: making it again would not help.</para>
/// </remarks>
public sealed class DeviceRequests
{
    private readonly BlockBackend _backend;

    /// <summary>The way into <paramref name="backend"/>. Several in front of one backend stop and go on together.</summary>
    public DeviceRequests(BlockBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        _backend = backend;
    }

    /// <summary>How many requests are kept.</summary>
    public int PendingCount => _backend.Kept.Count;

    /// <summary>True from a failure at which the policy is to stop until <see cref="ResumeAsync"/>.</summary>
    public bool IsStopped => _backend.Kept.IsStopped;

    /// <summary>Reads exactly the buffer's length at <paramref name="offset"/>. Where a failure was ignored, the buffer holds anything.</summary>
    /// <exception cref="BlockException">It failed, and that is to be reported.</exception>
    public ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags = RequestFlags.None, CancellationToken cancel = default) =>
        RunAsync(RequestKind.Read, offset, buffer.Length, buffer, flags, cancel);

    /// <summary>Writes exactly the buffer's length at <paramref name="offset"/>.</summary>
    /// <exception cref="BlockException">It failed, and that is to be reported.</exception>
    public ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags = RequestFlags.None, CancellationToken cancel = default) =>
        RunAsync(RequestKind.Write, offset, buffer.Length, buffer, flags, cancel);

    /// <summary>Makes a range read as zeros.</summary>
    /// <exception cref="BlockException">It failed, and that is to be reported.</exception>
    public ValueTask WriteZeroesAsync(long offset, long length, RequestFlags flags = RequestFlags.None, CancellationToken cancel = default) =>
        RunAsync(RequestKind.WriteZeroes, offset, length, default, flags, cancel);

    /// <summary>Lets go of a range.</summary>
    /// <exception cref="BlockException">It failed, and that is to be reported.</exception>
    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancel = default) =>
        RunAsync(RequestKind.Discard, offset, length, default, RequestFlags.None, cancel);

    /// <summary>Makes every completed write durable.</summary>
    /// <exception cref="BlockException">It failed, and that is to be reported.</exception>
    public ValueTask FlushAsync(CancellationToken cancel = default) => RunAsync(RequestKind.Flush, 0, 0, default, RequestFlags.None, cancel);

    /// <summary>The machine goes on; see <see cref="BlockBackend.ResumeIoAsync"/>. Any thread.</summary>
    public Task ResumeAsync() => _backend.ResumeIoAsync();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask RunAsync(RequestKind kind, long offset, long length, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        AioContext? origin = AioContext.Current;
        while (true)
        {
            BlockException failure;
            try
            {
                await Issue(kind, offset, length, buffer, flags, cancel);
                return;
            }
            catch (BlockException error) when (!IsRequestAtFault(kind, offset, length, error))
            {
                failure = error;
            }

            // What is done about failures is decided in one place, one after the other.
            await _backend.Graph.MainContext.SwitchTo();
            try
            {
                if (!await MeetAsync(kind == RequestKind.Read, failure, cancel))
                {
                    return;
                }
            }
            finally
            {
                await AioContext.ReturnTo(origin);
            }
        }
    }

    private ValueTask Issue(RequestKind kind, long offset, long length, IoVector buffer, RequestFlags flags, CancellationToken cancel) => kind switch
    {
        RequestKind.Read => _backend.ReadAsync(offset, buffer, flags, cancel),
        RequestKind.Write => _backend.WriteAsync(offset, buffer, flags, cancel),
        RequestKind.WriteZeroes => _backend.WriteZeroesAsync(offset, length, flags, cancel),
        RequestKind.Discard => _backend.DiscardAsync(offset, length, cancel),
        _ => _backend.FlushAsync(cancel),
    };

    private bool IsRequestAtFault(RequestKind kind, long offset, long length, BlockException error)
    {
        bool isOutside = kind != RequestKind.Flush && (offset < 0 || length < 0 || _backend.LengthBytes - offset < length);
        return error.Kind == BlockErrorKind.NotPermitted || (error.Kind == BlockErrorKind.InputOutput && isOutside);
    }

    // True where the request is to be made again, false where it counts as done. Main context.
    private async ValueTask<bool> MeetAsync(bool isRead, BlockException failure, CancellationToken cancel)
    {
        BlockErrorAction action = _backend.GetErrorAction(isRead, failure);
        if (action == BlockErrorAction.Stop && !_backend.Kept.IsClosed)
        {
            if (await _backend.Kept.WaitAsync(() => _backend.ApplyErrorAction(action, isRead, failure), cancel))
            {
                return true;
            }

            ExceptionDispatchInfo.Throw(failure);
        }

        action = action == BlockErrorAction.Stop ? BlockErrorAction.Report : action;
        _backend.ApplyErrorAction(action, isRead, failure);
        if (action == BlockErrorAction.Report)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return false;
    }
}
