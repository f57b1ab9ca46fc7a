using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Composites.Quorum;

/// <summary>Keeps the same bytes in several children, and reads what enough of them agree on. <i>QEMU: quorum.</i></summary>
public sealed class QuorumDriver : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "quorum";

    /// <inheritdoc/>
    public override string Summary => "keeps the same bytes in several children, and reads what enough of them agree on";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Composite;

    /// <inheritdoc/>
    public override OptionSchema Options => QuorumOptions.Schema;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override bool HasVariableChildren => true;

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        QuorumOptions options = QuorumOptions.Read(context.Options, context.CountChildren(QuorumOptions.ChildrenKey));
        IReadOnlyList<BlockChild> children = await context.OpenChildListAsync(QuorumOptions.ChildrenKey, ChildRole.Data);
        context.Step("compare lengths");
        foreach (BlockChild child in children)
        {
            if (child.LengthBytes != children[0].LengthBytes)
            {
                throw new BlockException(BlockErrorKind.InputOutput, "Could not refresh total sector count: Input/output error")
                {
                    Hint = $"'{children[0].Name}' has {children[0].LengthBytes} bytes and '{child.Name}' {child.LengthBytes}: the children of a quorum have the same length.",
                };
            }
        }

        return new QuorumInstance(options, [.. children]);
    }
}
