using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Opening;

/// <summary>Images with the AES encryption that can be undone: the qemu profile makes and writes them, this project's own reads them and warns.</summary>
[TestFixture]
public sealed class LegacyAesTests
{
    private const string Open = "driver=qcow2,node-name=top,file.driver=memory,file.filename=disk,encrypt.key-secret=s";

    private readonly List<string> _warnings = [];

    [Test]
    public void One_profile_writes_them_and_the_other_reads_them_with_a_warning()
    {
        byte[] image = [];
        Run(CompatibilityProfile.Qemu, async fixture =>
        {
            await CreateAsync(fixture);
            await using (BlockBackend backend = await fixture.OpenAsync(Open))
            {
                await backend.WriteAsync(512, new byte[] { 1, 2, 3 });
            }

            image = fixture.Memory.Storage("disk").Bytes;
        });
        Assert.That(_warnings, Is.Empty, "who writes them is not warned");

        Run(CompatibilityProfile.Own, async fixture =>
        {
            fixture.Memory.Storage("disk").Replace([.. image]);
            BlockException refusal = await Failure.OfAsync(() => fixture.OpenAsync(Open));
            Assert.That(refusal.Message, Does.StartWith("qcow2: node 'top' is only read: AES encryption can be undone"), "to be written");
            Assert.That(refusal.Kind, Is.EqualTo(BlockErrorKind.AccessDenied), "what kind of refusal that is");
            Assert.That(fixture.Graph.Nodes, Is.Empty, "nothing is left open");
            await using BlockBackend backend = await fixture.OpenAsync(Open + ",read-only=on", new BackendOptions { ReadOnly = true });
            byte[] read = new byte[3];
            await backend.ReadAsync(512, read);
            Assert.That(read, Is.EqualTo(new byte[] { 1, 2, 3 }), "what was written");
            Assert.That(_warnings, Has.Count.EqualTo(1).And.All.StartWith("Node 'top': AES encryption can be undone"), "the warning");
        });
    }

    [Test]
    public void They_are_made_in_the_qemu_profile_only() => Run(CompatibilityProfile.Own, async fixture =>
    {
        BlockException refusal = await Failure.OfAsync(() => CreateAsync(fixture));
        Assert.That(refusal.Message, Does.EndWith("use encrypt.format=luks"), "the refusal");
        Assert.That(fixture.Memory.Has("disk"), Is.False, "nothing is made");
    });

    private static Task CreateAsync(GraphFixture fixture) =>
        new ImageCreation(fixture.Graph, "qcow2", "memory:disk").CreateAsync(new OptionsDictionary { ["size"] = 1L << 16, ["encrypt.format"] = "aes", ["encrypt.key-secret"] = "s" });

    private void Run(CompatibilityProfile profile, Func<GraphFixture, Task> body)
    {
        using GraphFixture fixture = new(drivers: [new Qcow2Driver(), new RawDriver()], graphOptions: new NodeGraphOptions { Profile = profile });
        fixture.Run(async () =>
        {
            using IDisposable listening = fixture.Graph.Events.Subscribe<BlockWarning>(warning => _warnings.Add(warning.Message));
            await fixture.Graph.ObjectTree.AddAsync("secret", "s", new OptionsDictionary { { "data", "abc" } });
            await body(fixture);
        });
    }
}
