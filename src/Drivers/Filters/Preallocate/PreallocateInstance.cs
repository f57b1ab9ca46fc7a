using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Filters.Preallocate;

/// <summary>One preallocate node: what does not make the file longer goes to it as it is.</summary>
/// <remarks>
/// <code>
///  0                          data end            file end
///  ├── data ──────────────────┤── reserve ────────┤        the node is as long as its data
/// </code>
/// <para>Invariants: (1) the reserve reads as zeros but for what writes under way, or failed ones, have put there; (2) there is a reserve only while
/// some user may write and resize, and then nobody else may do either to the file; (3) a write beyond the data end shares the growth lock, a change of
/// the reserve has it alone: none of the two overtakes the other.</para>
/// </remarks>
internal sealed class PreallocateInstance(BlockChild file, PreallocateOptions options) : BlockDriverInstance
{
    private const BlockPermissions GrowthPermissions = BlockPermissions.Write | BlockPermissions.Resize;
    private const long NoReserve = -1;

    private readonly CoRwLock _growth = new();

    // Where several writes end at once, the largest end stays.
    private readonly Lock _endLock = new();
    private long _dataEnd = NoReserve;

    // The edge may come to lead elsewhere: a reserve belongs to the node that has it.
    private volatile BlockNode? _reserveAt;
    private volatile BlockNode? _cannotReserveAt;
    private volatile bool _isReserveClean;
    private volatile bool _mayGrow;
    private PreallocateOptions _options = options;

    /// <inheritdoc/>
    public override RequestAffinity Affinity => RequestAffinity.AnyContext;

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => file.Node.Instance.SupportedWriteFlags | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => file.Node.Instance.SupportedZeroFlags | RequestFlags.WriteUnchanged;

    private long DataEnd => ReferenceEquals(_reserveAt, file.Node) ? Volatile.Read(ref _dataEnd) : NoReserve;

    private bool HasReserve => DataEnd != NoReserve;

    /// <summary>The reserve is not part of the image.</summary>
    protected override long GetLengthBytes()
    {
        long dataEnd = DataEnd;
        return dataEnd == NoReserve ? file.LengthBytes : Math.Min(dataEnd, file.LengthBytes);
    }

    /// <inheritdoc/>
    protected override bool TryGetIdlePath(out BlockChild? child, out long shiftBytes)
    {
        child = file;
        shiftBytes = 0;
        return !_mayGrow && !HasReserve;
    }

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => file.ReadAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        offset + buffer.Length <= GetLengthBytes() ? file.WriteAsync(offset, buffer, flags, cancel) : WriteBeyondAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if (offset + length <= GetLengthBytes())
        {
            await file.WriteZeroesAsync(offset, length, flags, cancel);
            return true;
        }

        await ReserveAsync(offset + length, cancel);
        await _growth.EnterSharedAsync();
        try
        {
            // What lies in the reserve is zeros already; durable it is not.
            if (!_isReserveClean || !IsInReserve(offset, length) || (flags & RequestFlags.Fua) != 0)
            {
                await file.WriteZeroesAsync(offset, length, flags, cancel);
            }

            MoveDataEnd(offset + length);
        }
        finally
        {
            _growth.ExitShared();
        }

        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await file.DiscardAsync(offset, length, cancel);
        return true;
    }

    /// <summary>Space that is allocated already only becomes part of the image; any other change gives the reserve up first.</summary>
    protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        await _growth.EnterAloneAsync();
        try
        {
            bool isAllocated = HasReserve && _isReserveClean && preallocation == PreallocationMode.Falloc && lengthBytes >= GetLengthBytes();
            if (isAllocated && lengthBytes < file.LengthBytes)
            {
                Volatile.Write(ref _dataEnd, lengthBytes);
                return true;
            }

            if (!isAllocated && lengthBytes > GetLengthBytes())
            {
                await GiveUpReserveAsync(cancel);
            }

            await file.WriteLengthAsync(lengthBytes, isExact, preallocation, flags, cancel);
            Volatile.Write(ref _dataEnd, NoReserve);
            return true;
        }
        finally
        {
            _growth.ExitAlone();
        }
    }

    /// <summary>Who may make the file longer may find a reserve there, of which nobody else must know.</summary>
    protected override PermissionSet GetChildPermissions(ChildPermissionRequest request) =>
        (request.Users.Required & GrowthPermissions) == GrowthPermissions
            ? request.Default with { Shared = request.Default.Shared & ~GrowthPermissions }
            : request.Default;

    /// <inheritdoc/>
    protected override bool MustFinishBefore(PermissionSet users) => HasReserve && (users.Required & GrowthPermissions) != GrowthPermissions;

    /// <summary>Nobody will make the file longer any more: it ends where its data does.</summary>
    protected override async Task FinishBeforeAsync(PermissionSet users)
    {
        await _growth.EnterAloneAsync();
        try
        {
            await GiveUpReserveAsync(CancellationToken.None);
        }
        catch (BlockException error)
        {
            Node.Graph.Events.Publish(new BlockWarning($"Node '{Node.Name}': the space allocated beyond the data stays in node '{file.Node.Name}': {error.Message}"));
        }
        finally
        {
            _growth.ExitAlone();
        }
    }

    /// <inheritdoc/>
    protected override void CommitPermissions(PermissionSet users)
    {
        bool mayGrow = (users.Required & GrowthPermissions) == GrowthPermissions;
        if (mayGrow != _mayGrow)
        {
            _mayGrow = mayGrow;
            Node.Graph.BumpEpoch();
        }
    }

    /// <inheritdoc/>
    protected override Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        reopen.State = PreallocateOptions.Read(reopen.CreateReader(), file.Node.Limits.RequestAlignmentBytes);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override void CommitReopen(ReopenContext reopen)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        _options = (PreallocateOptions)reopen.State!;
        _cannotReserveAt = null;
    }

    private async ValueTask WriteBeyondAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await ReserveAsync(offset + buffer.Length, cancel);
        await _growth.EnterSharedAsync();
        try
        {
            await file.WriteAsync(offset, buffer, flags, cancel);
            MoveDataEnd(offset + buffer.Length);
        }
        catch
        {
            _isReserveClean = false;
            throw;
        }
        finally
        {
            _growth.ExitShared();
        }
    }

    // A write is about to end beyond the file's end: first the file becomes so long that the next ones do not. That it cannot is no failure of the write.
    private async ValueTask ReserveAsync(long end, CancellationToken cancel)
    {
        if (end <= file.LengthBytes || !CanReserve(end))
        {
            return;
        }

        await _growth.EnterAloneAsync();
        try
        {
            if (end > file.LengthBytes)
            {
                await GrowReserveAsync(end, cancel);
            }
        }
        finally
        {
            _growth.ExitAlone();
        }
    }

    private bool CanReserve(long end) => _mayGrow && !ReferenceEquals(_cannotReserveAt, file.Node) && end <= BlockLimits.LengthBytesMax - _options.SizeBytes - _options.AlignBytes;

    // Alone. The file's end may lie within a block, which is then the last thing that a write of blocks would have to make longer.
    private async ValueTask GrowReserveAsync(long end, CancellationToken cancel)
    {
        long alignment = file.Node.Limits.RequestAlignmentBytes;
        long start = RoundUp(file.LengthBytes, alignment);
        long reserveEnd = RoundUp(end + _options.SizeBytes, Math.Max(_options.AlignBytes, alignment));
        if (!HasReserve)
        {
            // Before the file is longer: from then on its length is not the image's.
            _isReserveClean = true;
            _reserveAt = file.Node;
            Volatile.Write(ref _dataEnd, file.LengthBytes);
        }

        try
        {
            await file.WriteZeroesAsync(start, reserveEnd - start, RequestFlags.NoFallback, cancel);
        }
        catch (BlockException error)
        {
            if (error.Kind == BlockErrorKind.NotSupported)
            {
                _cannotReserveAt = file.Node;
            }
        }
        finally
        {
            if (file.LengthBytes <= DataEnd)
            {
                Volatile.Write(ref _dataEnd, NoReserve);
            }
        }
    }

    // Alone.
    private async ValueTask GiveUpReserveAsync(CancellationToken cancel)
    {
        if (HasReserve)
        {
            await file.WriteLengthAsync(GetLengthBytes(), isExact: true, PreallocationMode.Off, RequestFlags.None, cancel);
            Volatile.Write(ref _dataEnd, NoReserve);
        }
    }

    private bool IsInReserve(long offset, long length) => HasReserve && offset >= DataEnd && offset + length <= file.LengthBytes;

    // Without a reserve the file ends where its data does.
    private void MoveDataEnd(long end)
    {
        lock (_endLock)
        {
            if (HasReserve && _dataEnd < end)
            {
                Volatile.Write(ref _dataEnd, end);
            }
        }
    }

    private static long RoundUp(long value, long unit) => (value + unit - 1) / unit * unit;
}
