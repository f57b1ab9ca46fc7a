using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Protocols.Null;

/// <summary>Storage that stores nothing, for measuring everything above it. <i>QEMU: null-co and null-aio.</i></summary>
public abstract class NullDriver : BlockDriver
{
    /// <summary>The image's length where no size is given, in bytes: 1 GiB.</summary>
    public const long DefaultLengthBytes = 1L << 30;

    private protected NullDriver()
    {
    }

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Protocol;

    /// <inheritdoc/>
    public override string ProtocolName => Name;

    /// <summary>False: nothing can be kept.</summary>
    public override bool TakesNewImages => false;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(
        new OptionDefinition("size", OptionType.Size, "the image's length in bytes") { Default = "1G", IsStrong = true },
        new OptionDefinition("latency-ns", OptionType.Integer, "how long every request takes, in nanoseconds") { Default = "0", IsMutable = true },
        new OptionDefinition("read-zeroes", OptionType.Boolean, "reads return zeros; off leaves the buffer as it is") { Default = "off", IsStrong = true });

    /// <inheritdoc/>
    public override void ParseFileName(string fileName, OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        if (fileName != Name + "://")
        {
            throw new BlockException($"The only allowed filename for this driver is '{Name}://'");
        }
    }

    /// <inheritdoc/>
    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        long latencyNs = ReadLatency(context.Options);
        return Task.FromResult<BlockDriverInstance>(new NullInstance(
            context.Options.GetSize("size"), latencyNs, context.Options.GetBoolean("read-zeroes")));
    }

    /// <inheritdoc/>
    public override string? GetExactFileName(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Options.ContainsKey("size") || node.Options.ContainsKey("read-zeroes") ? null : Name + "://";
    }

    /// <summary>Reads the option <c>latency-ns</c>.</summary>
    /// <exception cref="BlockException">It is negative.</exception>
    internal static long ReadLatency(OptionReader options)
    {
        long latencyNs = options.GetInteger("latency-ns");
        return latencyNs >= 0 ? latencyNs : throw new BlockException("latency-ns is invalid");
    }
}

/// <summary>The kind whose requests complete one turn of the loop later. <i>QEMU: null-co.</i></summary>
public sealed class NullCoDriver : NullDriver
{
    /// <inheritdoc/>
    public override string Name => "null-co";

    /// <inheritdoc/>
    public override string Summary => "stores nothing; requests complete from the loop's next turn, or after latency-ns";
}

/// <summary>The same storage under the name of the asynchronous kind; both complete from the loop, never inside the submitting call. <i>QEMU: null-aio.</i></summary>
public sealed class NullAioDriver : NullDriver
{
    /// <inheritdoc/>
    public override string Name => "null-aio";

    /// <inheritdoc/>
    public override string Summary => "the same as null-co, under the name that asynchronous users look for";
}
