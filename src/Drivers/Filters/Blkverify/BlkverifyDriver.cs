using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Filters.Blkverify;

/// <summary>The filter that does everything twice and compares. <i>QEMU: blkverify.</i></summary>
public sealed class BlkverifyDriver : BlockDriver
{
    private const string RawKey = "raw";
    private const string TestKey = "test";

    /// <inheritdoc/>
    public override string Name => "blkverify";

    /// <inheritdoc/>
    public override string Summary => "compares an image under test with a raw copy, request by request";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Filter;

    /// <inheritdoc/>
    public override string ProtocolName => Name;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(
        new OptionDefinition(TestKey, OptionType.Child, "the node or options of the image under test") { IsRequired = true },
        new OptionDefinition(RawKey, OptionType.Child, "the node or options of the copy that is believed") { IsRequired = true });

    /// <summary>Reads <c>blkverify:RAW:TEST</c>.</summary>
    public override void ParseFileName(string fileName, OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        ArgumentNullException.ThrowIfNull(options);
        if (DriverRegistry.ProtocolPrefix(fileName) != Name)
        {
            // Of a driver that is named apart from it, the whole name is the tested image's.
            options[TestKey + ".filename"] = fileName;
            return;
        }

        string rest = fileName[(Name.Length + 1)..];
        int colon = rest.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            throw new BlockException("blkverify requires raw copy and original image path");
        }

        options[RawKey + ".filename"] = rest[..colon];
        options[TestKey + ".filename"] = rest[(colon + 1)..];
    }

    /// <inheritdoc/>
    public override string? GetExactFileName(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.FindChild(RawKey)?.Node.ExactFileName is { } raw && node.FindChild(TestKey)?.Node.ExactFileName is { } test
            ? $"{Name}:{raw}:{test}"
            : null;
    }

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        BlockChild raw = await context.OpenChildAsync(RawKey, ChildRole.Filtered | ChildRole.Primary);
        BlockChild test = await context.OpenChildAsync(TestKey, ChildRole.Data);
        return new BlkverifyInstance(raw, test);
    }
}
