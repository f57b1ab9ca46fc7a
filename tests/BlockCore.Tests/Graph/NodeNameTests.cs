using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Graph;

/// <summary>Names of nodes and backends: which are allowed, and what each refusal says.</summary>
[TestFixture]
public sealed class NodeNameTests : GraphTests
{
    private const string LongestName = "a234567890123456789012345678901";

    [TestCase("a", true)]
    [TestCase("Z9-._x", true)]
    [TestCase(LongestName + "2", true, Description = "the length is another rule")]
    [TestCase("", false)]
    [TestCase("9a", false)]
    [TestCase("_a", false)]
    [TestCase("-a", false)]
    [TestCase(".a", false)]
    [TestCase("#a", false)]
    [TestCase("a b", false)]
    [TestCase("a#", false)]
    [TestCase("ä", false)]
    public void A_name_begins_with_a_letter_and_goes_on_with_letters_digits_and_three_signs(string name, bool isWellFormed) =>
        Assert.That(NodeName.IsWellFormed(name), Is.EqualTo(isWellFormed), name);

    [TestCase("#block001", "Invalid node-name: '#block001'")]
    [TestCase("1x", "Invalid node-name: '1x'")]
    [TestCase(LongestName + "2", "Node name too long")]
    [TestCase("/" + LongestName, "Invalid node-name: '/" + LongestName + "'", Description = "malformed comes before too long")]
    public void A_bad_name_is_refused(string name, string message) => AssertRefused($"driver=scripted,node-name={name}", message);

    [Test]
    public void The_longest_name_is_accepted() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync($"driver=scripted,node-name={LongestName}");
        Assert.That(backend.Root!.Name, Is.EqualTo(LongestName), "31 bytes");
        Assert.That(backend.Root.IsNamed, Is.True, "by a user");
    });

    [Test]
    public void A_taken_name_is_refused_whatever_has_it() => Fixture.Run(async () =>
    {
        await Fixture.AddAsync("driver=scripted,node-name=node");
        await Fixture.OpenAsync("driver=scripted", new BackendOptions { Name = "device" });
        BlockException byNode = await Failure.OfAsync(() => Fixture.OpenAsync("driver=scripted,node-name=node"));
        Assert.That(byNode.Message, Is.EqualTo("Duplicate nodes with node-name='node'"), "a node has it");
        Assert.That(byNode.Kind, Is.EqualTo(BlockErrorKind.AlreadyExists), "the kind");
        BlockException byDevice = await Failure.OfAsync(() => Fixture.OpenAsync("driver=scripted,node-name=device"));
        Assert.That(byDevice.Message, Is.EqualTo("node-name=device is conflicting with a device id"), "a backend has it");
    });

    [Test]
    public void A_name_is_taken_from_the_moment_its_opening_begins() =>
        AssertRefused("driver=pass-through,node-name=twin,file.driver=scripted,file.node-name=twin", "Duplicate nodes with node-name='twin'");

    [Test]
    public void Unnamed_nodes_get_names_that_no_user_can_give() => Fixture.Run(async () =>
    {
        await Fixture.OpenAsync("driver=pass-through,file.driver=pass-through,file.file.driver=scripted");
        string[] names = [.. Fixture.Graph.Nodes.Select(n => n.Name)];
        Assert.That(names, Has.Length.EqualTo(3).And.All.StartsWith("#block"), "made up");
        Assert.That(names, Is.Unique, "each its own");
        Assert.That(Fixture.Graph.Nodes.Select(n => n.IsNamed), Has.All.False, "not by a user");
    });

    [TestCase("1x", "Invalid device name")]
    [TestCase("", "Invalid device name")]
    [TestCase("device", "Device with id 'device' already exists")]
    [TestCase("node", "Device name 'node' conflicts with an existing node name")]
    [TestCase("same", "Device name 'same' conflicts with an existing node name", Description = "the name of its own root")]
    public void A_bad_or_taken_device_name_is_refused(string name, string message) => Fixture.Run(async () =>
    {
        await Fixture.AddAsync("driver=scripted,node-name=node");
        await Fixture.OpenAsync("driver=scripted", new BackendOptions { Name = "device" });
        int nodeCount = Fixture.Graph.Nodes.Count;
        BlockException error = await Failure.OfAsync(() => Fixture.OpenAsync("driver=scripted,node-name=same", new BackendOptions { Name = name }));
        Assert.That(error.Message, Is.EqualTo(message), "the text");
        Assert.That(Fixture.Graph.Nodes, Has.Count.EqualTo(nodeCount), "the opened tree is gone again");
    });

    [Test]
    public void A_single_name_means_the_backend_first_and_then_the_node() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=scripted,node-name=node");
        BlockBackend backend = await Fixture.OpenAsync("driver=scripted", new BackendOptions { Name = "device" });
        Assert.That(Fixture.Graph.LookUp("device"), Is.SameAs(backend.Root), "a backend's root");
        Assert.That(Fixture.Graph.LookUp("node"), Is.SameAs(node), "a node");
        Assert.That(
            () => Fixture.Graph.LookUp("nobody"),
            Throws.TypeOf<BlockException>().With.Message.EqualTo("Cannot find device='nobody' nor node-name='nobody'"),
            "neither");
    });

    [Test]
    public void A_name_is_free_again_when_its_node_is_closed() => Fixture.Run(async () =>
    {
        for (int i = 0; i < 3; i++)
        {
            await using BlockBackend backend = await Fixture.OpenAsync("driver=scripted,node-name=again", new BackendOptions { Name = "device" });
            Assert.That(Fixture.Graph.FindNode("again"), Is.Not.Null, "there");
        }

        Assert.That(Fixture.Graph.FindNode("again"), Is.Null, "gone");
        Assert.That(Fixture.Graph.FindBackend("device"), Is.Null, "the device as well");
    });
}
