using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.Null;

/// <summary>One null image: every request succeeds, later, and nothing is kept.</summary>
internal sealed class NullInstance(long lengthBytes, long latencyNs, bool readsZeroes) : BlockDriverInstance
{
    // A reopen changes it, while the node is drained.
    private long _latencyNs = latencyNs;

    /// <inheritdoc/>
    public override RequestAffinity Affinity => RequestAffinity.AnyContext;

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.Fua | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => RequestFlags.Fua | RequestFlags.MayUnmap | RequestFlags.NoFallback | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override bool CanWriteZeroes => true;

    /// <inheritdoc/>
    protected override Task<long?> GetAllocatedBytesAsync(CancellationToken cancel) => Task.FromResult<long?>(0);

    /// <inheritdoc/>
    protected override long GetLengthBytes() => lengthBytes;

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        if (readsZeroes)
        {
            buffer.Fill(0);
        }

        return CompleteLater();
    }

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => CompleteLater();

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        await CompleteLater();
        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await CompleteLater();
        return true;
    }

    /// <inheritdoc/>
    protected override ValueTask FlushAsync(CancellationToken cancel) => CompleteLater();

    /// <inheritdoc/>
    protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        BlockStatusFlags flags = BlockStatusFlags.OffsetValid | (readsZeroes ? BlockStatusFlags.Zero : BlockStatusFlags.None);
        return new(new BlockStatus(flags, length, offset));
    }

    /// <inheritdoc/>
    protected override Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        reopen.State = NullDriver.ReadLatency(reopen.CreateReader());
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override void CommitReopen(ReopenContext reopen)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        _latencyNs = (long)reopen.State!;
    }

    private ValueTask CompleteLater()
    {
        AioContext context = AioContext.Current!;
        return _latencyNs == 0 ? context.YieldAsync() : context.DelayAsync(_latencyNs);
    }
}
