using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>A filter that passes everything on, and holds the graph to what it promises a driver: what it finds broken goes to <paramref name="complain"/>.</summary>
internal sealed class StormWitnessDriver(Action<string> complain) : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "witness";

    /// <inheritdoc/>
    public override string Summary => "passes everything on and complains of the graph, for tests";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Filter;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the child") { IsRequired = true });

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) =>
        new StormWitness(await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary), complain);
}
