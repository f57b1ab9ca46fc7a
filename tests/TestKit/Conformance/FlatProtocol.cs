using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit.Conformance;

/// <summary>Storage whose requests allocate nothing and complete in the next turn: what is allocated above it is the layer's.</summary>
internal sealed class FlatProtocol(MemoryStorage storage) : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "flat";

    /// <inheritdoc/>
    public override string Summary => "storage that allocates nothing, for tests";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Protocol;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new();

    /// <inheritdoc/>
    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) => Task.FromResult<BlockDriverInstance>(new Instance(storage));

    private sealed class Instance(MemoryStorage storage) : BlockDriverInstance
    {
        protected override long GetLengthBytes() => storage.Bytes.Length;

        protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            storage.CopyTo(buffer, offset);
            return AioContext.Current!.YieldAsync();
        }

        protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            storage.CopyFrom(buffer, offset);
            return AioContext.Current!.YieldAsync();
        }
    }
}
