using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Samples.Embedding.Storage;

/// <summary>A driver of the emulator's own: disks in a pool of memory.</summary>
public sealed class ThinDriver(ThinPool pool) : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "thin";

    /// <inheritdoc/>
    public override string Summary => "a disk that takes memory as it is written";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Protocol;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(
        new OptionDefinition("size", OptionType.Size, "the disk's length in bytes") { IsRequired = true, IsStrong = true },
        new OptionDefinition("latency-ns", OptionType.Integer, "how long every request takes, in nanoseconds") { Default = "0" });

    /// <inheritdoc/>
    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult<BlockDriverInstance>(new ThinDisk(pool, context.Options.GetSize("size"), context.Options.GetInteger("latency-ns")));
    }
}
