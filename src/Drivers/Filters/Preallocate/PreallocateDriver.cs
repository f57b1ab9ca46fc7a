using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Filters.Preallocate;

/// <summary>The filter that makes a growing file grow in large steps. <i>QEMU: preallocate.</i></summary>
public sealed class PreallocateDriver : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "preallocate";

    /// <inheritdoc/>
    public override string Summary => "allocates space beyond the end of a growing file ahead of the writes, and gives back what is left";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Filter;

    /// <inheritdoc/>
    public override OptionSchema Options => PreallocateOptions.Schema;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        BlockChild file = await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary);
        return new PreallocateInstance(file, PreallocateOptions.Read(context.Options, file.Node.Limits.RequestAlignmentBytes));
    }
}
