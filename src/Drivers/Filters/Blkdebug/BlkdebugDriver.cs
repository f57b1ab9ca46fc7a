using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>The filter that fails and stops requests on purpose. <i>QEMU: blkdebug.</i></summary>
public sealed class BlkdebugDriver : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "blkdebug";

    /// <inheritdoc/>
    public override string Summary => "fails and stops requests of its child on purpose, and tightens its limits";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Filter;

    /// <inheritdoc/>
    public override string ProtocolName => Name;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override OptionSchema Options => BlkdebugOptions.Schema;

    /// <summary>Reads <c>blkdebug:CONFIG:IMAGE</c>; CONFIG may be empty.</summary>
    public override void ParseFileName(string fileName, OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        ArgumentNullException.ThrowIfNull(options);
        if (DriverRegistry.ProtocolPrefix(fileName) != Name)
        {
            // Of a driver that is named apart from it, the whole name is the image's.
            options[BlkdebugOptions.ImageKey + ".filename"] = fileName;
            return;
        }

        string rest = fileName[(Name.Length + 1)..];
        int colon = rest.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            throw new BlockException("blkdebug requires both config file and image path");
        }

        if (colon > 0)
        {
            options[BlkdebugOptions.ConfigKey] = rest[..colon];
        }

        options[BlkdebugOptions.ImageKey + ".filename"] = rest[(colon + 1)..];
    }

    /// <inheritdoc/>
    public override string? GetExactFileName(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        bool hasMore = Options.Definitions.Any(d => d.IsStrong && d.Name != BlkdebugOptions.ConfigKey
            && node.Options.Keys.Any(key => key == d.Name || key.StartsWith(d.Name + ".", StringComparison.Ordinal)));
        return !hasMore && node.PrimaryChild is { } image && image.Node.ExactFileName is { } name
            ? $"{Name}:{node.Options.GetText(BlkdebugOptions.ConfigKey)}:{name}"
            : null;
    }

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        BlkdebugOptions options = BlkdebugOptions.Read(context.Options);
        List<InjectErrorRule> injectErrors = [];
        List<SetStateRule> setStates = [];
        if (options.ConfigPath is { } path)
        {
            context.Step("read config file");
            BlkdebugConfigFile.Parse(await BlkdebugConfigFile.ReadAsync(context, path), path, injectErrors, setStates);
        }

        BlockChild image = await context.OpenChildAsync(BlkdebugOptions.ImageKey, ChildRole.Filtered | ChildRole.Primary);
        options.Limits.Check(image.Node.Limits.RequestAlignmentBytes);
        return new BlkdebugInstance(image, options, new BlkdebugRules([.. injectErrors, .. options.InjectErrors], [.. setStates, .. options.SetStates]));
    }
}
