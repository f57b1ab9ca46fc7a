using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

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

    /// <summary>The formats that scenarios about backing files run on.</summary>
    protected static string[] Formats { get; } = ["cow", "qcow2"];

    /// <summary>What those need that a fixture does not have anyway.</summary>
    protected static BlockDriver[] FormatDrivers => [new Qcow2Driver(), new RawDriver()];

    protected NodeGraph World => Fixture.Graph;

    protected override GraphFixture CreateFixture() => new(drivers: [Loose, LooseDriver.NoPermission(), LooseDriver.ExclusiveWriter(), Selector, .. FormatDrivers]);

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

    /// <summary>Makes an image with nothing in it, of clusters of 4 KiB.</summary>
    protected static async Task PutImageAsync(GraphFixture fixture, string format, string name, long lengthBytes, string? backing = null)
    {
        if (format == "cow")
        {
            CowImage.Format(fixture.Memory.Storage(name), new CowImageOptions(lengthBytes) { ClusterBytes = 4096, BackingFileName = backing, BackingFormat = backing is null ? null : format });
            return;
        }

        OptionsDictionary options = new() { ["size"] = lengthBytes, ["cluster_size"] = 4096L };
        if (backing is not null)
        {
            options["backing_file"] = backing;
            options["backing_fmt"] = format;
        }

        await new ImageCreation(fixture.Graph, format, $"memory:{name}").CreateAsync(options);
    }

    protected async Task SettleAsync()
    {
        for (int i = 0; i < 30; i++)
        {
            await Fixture.Context.YieldAsync();
        }
    }
}
