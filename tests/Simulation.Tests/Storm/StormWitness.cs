using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>
/// What a driver may rely on, put to the test at one node: whatever is checked or prepared is committed or aborted, once; drains begin and
/// end in turns; a node that moves, or closes, has nothing in flight; requests come at home, and writes only from who may write.
/// </summary>
internal sealed class StormWitness(BlockChild file, Action<string> complain) : BlockDriverInstance
{
    private readonly HashSet<BufferRange> _buffers = [];
    private PermissionSet _users = PermissionSet.Unused;
    private ReopenContext? _reopen;
    private int _inFlightCount;
    private bool _isChecked;
    private bool _isDrained;
    private bool _isAway;
    private bool _isClosed;

    protected internal override long GetLengthBytes() => file.LengthBytes;

    protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        RunAsync("a read", () => file.ReadAsync(offset, buffer, flags, cancel));

    protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        RunWriteAsync("a write", () => file.WriteAsync(offset, buffer, flags, cancel));

    protected internal override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        await RunWriteAsync("a zero write", () => file.WriteZeroesAsync(offset, length, flags, cancel));
        return true;
    }

    protected internal override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await RunWriteAsync("a discard", () => file.DiscardAsync(offset, length, cancel));
        return true;
    }

    protected internal override async ValueTask<bool> TryCopyFromAsync(long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel)
    {
        bool isCopied = false;
        await RunAsync("a copy", async () => isCopied = await file.TryCopyFromAsync(offset, length, target, flags, cancel));
        return isCopied;
    }

    protected internal override async ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        bool isCopied = false;
        await RunWriteAsync("a copy", async () => isCopied = await file.TryCopyToAsync(source, offset, length, flags, cancel));
        return isCopied;
    }

    protected internal override ValueTask FlushAsync(CancellationToken cancel) => RunAsync("a flush", static () => default);

    protected internal override void CheckPermissions(PermissionSet users, ReopenContext? reopen)
    {
        Expect(!_isChecked, "permissions are checked while others are pending");
        _isChecked = true;
    }

    protected internal override void CommitPermissions(PermissionSet users)
    {
        Expect(_isChecked, "permissions are committed that were not checked");
        _isChecked = false;
        _users = users;
    }

    protected internal override void AbortPermissions()
    {
        Expect(_isChecked, "permissions are aborted that were not checked");
        _isChecked = false;
    }

    protected internal override async Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
    {
        Expect(_reopen is null, "a reopen is prepared while another is pending");
        await Node.Graph.MainContext.YieldAsync();
        _reopen = reopen;
    }

    protected internal override void CommitReopen(ReopenContext reopen) => EndReopen(reopen, "committed");

    protected internal override void AbortReopen(ReopenContext reopen) => EndReopen(reopen, "aborted");

    protected internal override void DrainBegin()
    {
        Expect(!_isDrained && Node.Context.IsHome, "a drain begins twice, or away from home");
        _isDrained = true;
    }

    protected internal override void DrainEnd()
    {
        Expect(_isDrained && Node.Context.IsHome, "a drain ends that has not begun, or away from home");
        _isDrained = false;
    }

    protected internal override void DetachContext()
    {
        Expect(!_isAway, "it leaves its context twice");
        Expect(Volatile.Read(ref _inFlightCount) == 0, $"it leaves its context with {_inFlightCount} requests in flight");
        _isAway = true;
    }

    protected internal override void AttachContext(AioContext context)
    {
        Expect(_isAway && ReferenceEquals(context, Node.Context), "it comes to a context that is not its own, or twice");
        _isAway = false;
    }

    protected internal override bool TryRegisterBuffer(BufferRange buffer)
    {
        Expect(!_isClosed, "a buffer is registered after the end");
        Expect(_buffers.Add(buffer), "a buffer is registered twice");
        return true;
    }

    protected internal override void UnregisterBuffer(BufferRange buffer)
    {
        Expect(!_isClosed, "a buffer is let go of after the end");
        Expect(_buffers.Remove(buffer), "a buffer is let go of that was not registered");
    }

    protected internal override ValueTask CloseAsync()
    {
        Expect(_buffers.Count == 0, $"it is closed with {_buffers.Count} buffers registered");
        Expect(_reopen is null, "it is closed with a reopen pending");
        Expect(!_isChecked, "it is closed with permissions pending");
        Expect(Volatile.Read(ref _inFlightCount) == 0, $"it is closed with {_inFlightCount} requests in flight");
        _isClosed = true;
        return default;
    }

    private void EndReopen(ReopenContext context, string how)
    {
        Expect(ReferenceEquals(_reopen, context), $"a reopen is {how} that was not prepared");
        _reopen = null;
    }

    private ValueTask RunWriteAsync(string what, Func<ValueTask> request)
    {
        Expect((_users.Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged)) != 0, $"{what} comes, and no user may write");
        return RunAsync(what, request);
    }

    private async ValueTask RunAsync(string what, Func<ValueTask> request)
    {
        Expect(!_isClosed, $"{what} comes after the end");
        Expect(!_isAway && Node.Context.IsHome, $"{what} comes away from home");
        Interlocked.Increment(ref _inFlightCount);
        try
        {
            await request();
        }
        finally
        {
            Interlocked.Decrement(ref _inFlightCount);
        }

        Expect(Node.Context.IsHome, $"{what} goes on away from home");
    }

    private void Expect(bool holds, string complaint)
    {
        if (!holds)
        {
            complain($"witness '{Node.Name}': {complaint}");
        }
    }
}
