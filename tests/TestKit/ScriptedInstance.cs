using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.TestKit;

/// <summary>Does what a <see cref="ScriptedNode"/> says.</summary>
internal sealed class ScriptedInstance(ScriptedNode node) : BlockDriverInstance
{
    /// <inheritdoc/>
    public override int? ClusterBytes => node.ClusterBytes;

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => node.SupportedWriteFlags;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => node.TakesZeroes ? RequestFlags.MayUnmap | RequestFlags.NoFallback : RequestFlags.None;

    /// <inheritdoc/>
    public override bool CanWriteZeroes => node.TakesZeroes;

    /// <inheritdoc/>
    public override RequestFlags SupportedLengthFlags => node.SupportedLengthFlags;

    /// <inheritdoc/>
    protected override long GetLengthBytes() => node.LengthBytes;

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        node.Add(RequestKind.Read, offset, buffer.Length, buffer, flags);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        node.Add(RequestKind.Write, offset, buffer.Length, buffer, flags);

    /// <inheritdoc/>
    protected override ValueTask FlushAsync(CancellationToken cancel) => node.Add(RequestKind.Flush, 0, 0, default, RequestFlags.None);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if (node.TakesZeroes)
        {
            await node.Add(RequestKind.WriteZeroes, offset, length, default, flags);
        }

        return node.TakesZeroes;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        if (node.TakesDiscards)
        {
            await node.Add(RequestKind.Discard, offset, length, default, RequestFlags.None);
        }

        return node.TakesDiscards;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        if (node.CanResize)
        {
            await node.AddLengthAsync(new ScriptedLength(lengthBytes, preallocation, flags));
        }

        return node.CanResize;
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        node.Status is { } answer ? new ValueTask<BlockStatus>(answer(wanted, offset, length)) : base.GetStatusAsync(wanted, offset, length, cancel);

    /// <inheritdoc/>
    protected override void DrainBegin() => node.OnDrainBegin();

    /// <inheritdoc/>
    protected override void DrainEnd() => node.OnDrainEnd();

    /// <inheritdoc/>
    protected override ValueTask CloseAsync()
    {
        node.OnClosed();
        return default;
    }
}
