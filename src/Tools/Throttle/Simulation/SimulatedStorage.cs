using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Throttle.Simulation;

/// <summary>
/// Storage that keeps nothing, takes no time and tells which request has come down to it. Requests are told apart by their offset: that of the
/// request with number n is n.
/// </summary>
internal sealed class SimulatedStorage(Action<long> admitted) : BlockDriver
{
    /// <summary>What the driver is called in options.</summary>
    public const string DriverName = "simulated";

    /// <summary>The longest request that does not carry data, in bytes.</summary>
    public const long RequestBytesMax = LengthBytes / 2;

    private const long LengthBytes = 1L << 62;

    /// <inheritdoc/>
    public override string Name => DriverName;

    /// <inheritdoc/>
    public override string Summary => "tells when requests come to it, for simulations";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Protocol;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new();

    /// <inheritdoc/>
    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) =>
        Task.FromResult<BlockDriverInstance>(new Instance(admitted));

    private sealed class Instance(Action<long> admitted) : BlockDriverInstance
    {
        public override RequestFlags SupportedZeroFlags => RequestFlags.MayUnmap | RequestFlags.NoFallback;

        protected override long GetLengthBytes() => LengthBytes;

        protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            admitted(offset);
            return default;
        }

        protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            admitted(offset);
            return default;
        }

        protected override ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            admitted(offset);
            return new(true);
        }

        protected override ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
        {
            admitted(offset);
            return new(true);
        }
    }
}
