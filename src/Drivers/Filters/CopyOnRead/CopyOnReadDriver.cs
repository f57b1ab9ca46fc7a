using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Filters.CopyOnRead;

/// <summary>The filter whose reads leave what they find in backing images in the image below it. <i>QEMU: copy-on-read.</i></summary>
public sealed class CopyOnReadDriver : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "copy-on-read";

    /// <inheritdoc/>
    public override string Summary => "copies what is read from backing images into its child";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Filter;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(
        new OptionDefinition("file", OptionType.Child, "the node or options of the image to copy into") { IsRequired = true },
        new OptionDefinition("bottom", OptionType.String, "the last node of the chain that is copied from; all of it where absent"));

    /// <summary>Opens the child. With a bottom, the chain from here down to it stays as it is while the node is open.</summary>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        BlockChild file = await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary);
        BlockNode? bottom = null;
        if (context.Options.GetString("bottom") is { } name)
        {
            bottom = FindBottom(context.Graph, name);
            context.Step("freeze the chain");
            await context.FreezeChainAsync(bottom);
        }

        return new CopyOnReadInstance(file, bottom);
    }

    private static BlockNode FindBottom(NodeGraph graph, string name)
    {
        BlockNode bottom = graph.FindNode(name) ?? throw new BlockException(BlockErrorKind.NotFound, $"Bottom node '{name}' not found");
        return bottom.Driver.Category == DriverCategory.Filter ? throw new BlockException($"Bottom node '{name}' is a filter") : bottom;
    }
}
