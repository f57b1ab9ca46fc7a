using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>
/// One open file. Its transfers go the way that the engine finds the cheapest; what the users need together becomes byte locks that other processes see, and, with
/// auto-read-only, a descriptor that is writable only while somebody writes.
/// </summary>
/// <remarks>
/// <para>A permission change: the successor, where one is needed, is opened and locked in Check; Commit swaps; the old descriptor is
/// closed by its last transfer. Abort closes the successor. Nothing in Commit and Abort can fail. A reopen opens its own descriptor
/// beforehand, which the permission change of the same moment takes for its successor.</para>
/// <para>Requests come from any context; permissions change on the main one meanwhile. The handle counts its users, and each context has a
/// pool of its own.</para>
/// </remarks>
internal sealed partial class HostFileInstance : BlockDriverInstance
{
    private FileHandle _handle;

    // By context id, for each context that has sent a request. Replaced under its own lock, never edited.
    private readonly Lock _poolsLock = new();
    private FileTransferPool?[] _pools = [];

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
    public override RequestAffinity Affinity => RequestAffinity.AnyContext;

    /// <inheritdoc/>
    public override BlockLimits Limits => new()
    {
        RequestAlignmentBytes = _handle.File.RequestAlignmentBytes,
        MemoryAlignmentBytes = _handle.File.MemoryAlignmentBytes,
    };

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.WriteUnchanged | RequestFlags.Fua | RequestFlags.Serialising;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => RequestFlags.MayUnmap | RequestFlags.NoFallback | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override bool CanWriteZeroes => true;

    /// <summary>What a file grows by reads as zeros.</summary>
    public override RequestFlags SupportedLengthFlags => RequestFlags.ZeroWrite;

    /// <inheritdoc/>
    protected override long GetLengthBytes()
    {
        FileHandle handle = BeginHandle();
        try
        {
            long bytes = handle.File.GetLengthBytes();
            return FileLength.WholeSectors(bytes, Node.Graph.Profile);
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Could not refresh total sector count: ");
        }
        finally
        {
            handle.End();
        }
    }

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        Submit(RequestKind.Read, offset, buffer, flags);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        Submit(RequestKind.Write, offset, buffer, Node.Settings.CacheNoFlush ? flags & ~RequestFlags.Fua : flags);

    /// <inheritdoc/>
    protected override ValueTask FlushAsync(CancellationToken cancel) =>
        _handle.File.IsReadOnly ? default : Submit(RequestKind.Flush, 0, default, RequestFlags.None);

    /// <inheritdoc/>
    protected override ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        OnWorkerAsync(file => file.TryZeroRange(offset, length, (flags & RequestFlags.MayUnmap) != 0));

    /// <inheritdoc/>
    protected override ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel) =>
        OnWorkerAsync(file => file.TryPunchHole(offset, length));

    /// <inheritdoc/>
    protected override ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel) =>
        OnWorkerAsync(file =>
        {
            FileLength.Change(file, lengthBytes, preallocation, cancel);
            return true;
        });

    /// <inheritdoc/>
    protected override Task<ImageInformation?> GetInformationAsync(CancellationToken cancel) => Task.FromResult<ImageInformation?>(ImageInformation.Plain);

    /// <inheritdoc/>
    protected override Task<long?> GetAllocatedBytesAsync(CancellationToken cancel) => BrieflyAsync(file => file.FindAllocatedBytes()).AsTask();

    /// <summary>Whoever does not ask for zeros gets a long answer at once: everything is here.</summary>
    protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        (wanted & BlockStatusQuery.Zeroes) == 0 ? new(new BlockStatus(BlockStatusFlags.Data | BlockStatusFlags.OffsetValid, length, offset))
        : AioContext.Current!.RunsBriefWorkHere() ? new(FindExtent(offset, length))
        : FindExtentAsync(offset, length);

    /// <summary>The pooled transfers belong to the contexts that made them; the one that is left may end.</summary>
    protected override void DetachContext()
    {
        Invariant.Check(_handle.IsIdle);
        _pools = [];
    }

    /// <inheritdoc/>
    protected override ValueTask CloseAsync()
    {
        Invariant.Check(_handle.IsIdle);
        Invariant.Check(_successor is null);
        _handle.Retire();
        return default;
    }

    private ValueTask<BlockStatus> FindExtentAsync(long offset, long length) => BrieflyAsync(file => FindExtent(file, offset, length, Node.LengthBytes));

    private BlockStatus FindExtent(long offset, long length)
    {
        FileHandle handle = BeginHandle();
        try
        {
            return FindExtent(handle.File, offset, length, Node.LengthBytes);
        }
        finally
        {
            handle.End();
        }
    }

    // In whole blocks: one that holds data in a part of it is data. To the extent's own end, which the system has looked for anyway: it may have had to look at all of it.
    private static BlockStatus FindExtent(BlockCore.Scheduling.HostFile file, long offset, long length, long nodeLength)
    {
        _ = file.TryGetExtent(offset, Math.Max(length, nodeLength - offset), out bool isData, out long extentBytes);
        long mask = file.RequestAlignmentBytes - 1L;
        isData |= extentBytes <= mask;
        long wholeBytes = isData ? (extentBytes + mask) & ~mask : extentBytes & ~mask;
        return new BlockStatus((isData ? BlockStatusFlags.Data : BlockStatusFlags.Zero) | BlockStatusFlags.OffsetValid, wholeBytes, offset);
    }

    // The handle may be replaced between the look and the count; then the new one is counted.
    private FileHandle BeginHandle()
    {
        FileHandle handle = Volatile.Read(ref _handle);
        while (!handle.TryBegin())
        {
            handle = Volatile.Read(ref _handle);
        }

        return handle;
    }

    private ValueTask Submit(RequestKind kind, long offset, IoVector buffer, RequestFlags flags)
    {
        AioContext context = AioContext.Current!;
        FileTransferPool?[] pools = Volatile.Read(ref _pools);
        FileTransferPool? pool = context.Id < pools.Length ? pools[context.Id] : null;
        pool = pool is not null && ReferenceEquals(pool.Context, context) ? pool : AddPool(context);
        ValueTask task;
        while (!pool.TrySubmit(Volatile.Read(ref _handle), kind, offset, buffer, flags, out task))
        {
            // Replaced between the look and the count; the one that is there now is counted.
        }

        return task;
    }

    private FileTransferPool AddPool(AioContext context)
    {
        lock (_poolsLock)
        {
            FileTransferPool?[] longer = new FileTransferPool?[Math.Max(context.Id + 1, _pools.Length)];
            _pools.CopyTo(longer, 0);
            FileTransferPool pool = new(context);
            longer[context.Id] = pool;
            Volatile.Write(ref _pools, longer);
            return pool;
        }
    }

    // Two questions to the file system, which rarely waits for a disk to answer.
    private async ValueTask<T> BrieflyAsync<T>(Func<BlockCore.Scheduling.HostFile, T> work)
    {
        FileHandle handle = BeginHandle();
        try
        {
            return await AioContext.Current!.RunBriefly(() => work(handle.File));
        }
        finally
        {
            handle.End();
        }
    }

    private async ValueTask<T> OnWorkerAsync<T>(Func<BlockCore.Scheduling.HostFile, T> work)
    {
        FileHandle handle = BeginHandle();
        try
        {
            return await AioContext.Current!.RunOnWorkers(() => work(handle.File));
        }
        finally
        {
            handle.End();
        }
    }
}
