using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>What the scenarios share: drivers whose children the test attaches, and pictures of the whole graph.</summary>
[Category("Scenario")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public abstract class ScenarioTests : GraphTests
{
    internal static readonly BackendOptions Reader = new() { ReadOnly = true };
    internal static readonly PermissionSet ExclusiveWriter = new(BlockPermissions.Write | BlockPermissions.ConsistentRead, BlockPermissions.All & ~BlockPermissions.Write);

    internal LooseDriver Loose { get; } = LooseDriver.PassThrough();

    internal SelectorDriver Selector { get; } = new();

    protected NodeGraph World => Fixture.Graph;

    protected override GraphFixture CreateFixture() => new(drivers: [Loose, LooseDriver.NoPermission(), LooseDriver.ExclusiveWriter(), Selector]);

    protected BlockNode Node(string name) => World.FindNode(name)!;

    protected Task ApplyAsync(params GraphEdit[] edits) => World.ApplyAsync(edits);

    /// <summary>The edits are refused with exactly <paramref name="message"/>, and the graph is as before.</summary>
    protected async Task AssertRefusedAsync(string message, params GraphEdit[] edits)
    {
        string before = Picture();
        BlockException error = await Failure.OfAsync(() => World.ApplyAsync(edits));
        Assert.That(error.Message, Is.EqualTo(message), "the refusal");
        Assert.That(Picture(), Is.EqualTo(before), "nothing has changed");
    }

    /// <summary>Every node with its edges, permissions, drains and options, as text.</summary>
    protected string Picture() => GraphText.Of(World);

    protected Task<BlockBackend> BackendAsync(BlockNode node, PermissionSet? permissions = null) =>
        World.AttachBackendAsync(node, permissions is { } set ? new BackendOptions { Permissions = set } : new BackendOptions { ShareWrite = true });

    protected async Task SettleAsync()
    {
        for (int i = 0; i < 30; i++)
        {
            await Fixture.Context.YieldAsync();
        }
    }
}
