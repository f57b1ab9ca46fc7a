using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Filters.Throttle;

/// <summary>The filter that puts a node under the limits of a group. <i>QEMU: throttle.</i></summary>
public sealed class ThrottleFilterDriver : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "throttle";

    /// <inheritdoc/>
    public override string Summary => "limits the requests of its child, alone or together with the other members of a group";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Filter;

    /// <inheritdoc/>
    public override OptionSchema Options => ThrottleFilterOptions.Schema;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <summary>
    /// Opens the child and prepares the membership; the limits of the group change only when the whole operation that opens the
    /// node has succeeded.
    /// </summary>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        ThrottleFilterOptions options = ThrottleFilterOptions.Read(context.Options, context.Profile);
        BlockChild file = await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary);
        context.Step("reserve throttle group");
        ThrottleReservation reservation = context.Graph.ThrottleGroups.Reserve(options.GroupName, options.Limits, operation: context.Operation, parentName: options.ParentName);
        ThrottleChangePolicy policy = context.Profile.ThrottleChangeResetsLevels ? ThrottleChangePolicy.Reset : ThrottleChangePolicy.Scale;
        return new ThrottleFilterInstance(file, new ThrottlePlan(reservation, options.Settings), options.ParentName, policy);
    }
}
