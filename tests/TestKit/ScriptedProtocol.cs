using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit;

/// <summary>
/// Storage whose requests stay pending until the test completes them by hand, in any order. What is held, what fails and what is answered is
/// set for each node: <c>script.Node("disk")</c>.
/// </summary>
public sealed class ScriptedProtocol : BlockDriver
{
    private readonly List<ScriptedNode> _nodes = [];

    /// <summary>The requests of every node that have arrived and not been completed, in order of arrival.</summary>
    public List<PendingRequest> Pending { get; } = [];

    /// <summary>True for drivers that could have a backing node, which the test plays as well: what they say is unallocated comes from there.</summary>
    public bool ActsAsOverlay { get; set; }

    /// <inheritdoc/>
    public override bool SupportsBacking => ActsAsOverlay;

    /// <summary>How many drains have begun minus ended, as the drivers of all nodes hear of them.</summary>
    public int DrainDepth => _nodes.Sum(node => node.DrainBeginCount - node.DrainEndCount);

    /// <summary>Every node that was opened, in order of opening; a closed one stays.</summary>
    public IReadOnlyList<ScriptedNode> Nodes => _nodes;

    /// <inheritdoc/>
    public override string Name => "scripted";

    /// <inheritdoc/>
    public override string Summary => "storage completed by hand, for tests";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Protocol;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(new OptionDefinition("size", OptionType.Size, "length in bytes") { Default = "1M" });

    /// <summary>The node called <paramref name="name"/> that was opened last.</summary>
    public ScriptedNode Node(string name) =>
        _nodes.FindLast(node => node.Name == name) ?? throw new InvalidOperationException($"there has been no scripted node '{name}'");

    /// <inheritdoc/>
    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        ScriptedNode node = new(this, context.Node.Name, context.Options.GetSize("size"));
        _nodes.Add(node);
        return Task.FromResult<BlockDriverInstance>(new ScriptedInstance(node));
    }
}
