using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers;
using BlockGraph.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace BlockGraph.BlockCore.Tests.Graph;

/// <summary>A graph out of a container.</summary>
[TestFixture]
public sealed class ContainerTests
{
    [Test]
    public async Task A_graph_and_its_drivers_come_from_the_container_and_end_with_it()
    {
        AioContext main;
        await using (ServiceProvider services = new ServiceCollection().AddBlockGraph().AddBlockDrivers().AddBlockDriver<PassThroughDriver>().BuildServiceProvider())
        {
            NodeGraph graph = services.GetRequiredService<NodeGraph>();
            main = graph.MainContext;
            Assert.That(graph, Is.SameAs(services.GetRequiredService<NodeGraph>()), "one graph");
            Assert.That(graph.Drivers.All.Select(d => d.Name), Is.SupersetOf(new[] { "null-co", "null-aio", "raw", "pass-through" }), "its drivers");
            BlockBackend backend = await graph.OpenAsync(new OptionsDictionary { { "driver", "pass-through" }, { "file.driver", "null-co" }, { "file.size", "4096" } });
            Assert.That(backend.LengthBytes, Is.EqualTo(4096), "it opens");
        }

        Assert.That(main.IsHome, Is.False, "its loop has ended with the container");
    }

    [Test]
    public async Task Options_and_the_loop_may_be_given()
    {
        using IoThread thread = new("mine");
        await using ServiceProvider services = new ServiceCollection()
            .AddSingleton(MainLoop.Pumped(thread.Context))
            .AddBlockGraph(o => o.Profile = CompatibilityProfile.Qemu)
            .AddBlockGraph(o => o.UsesPlans = false)
            .BuildServiceProvider();
        NodeGraph graph = services.GetRequiredService<NodeGraph>();
        Assert.That(graph.MainContext, Is.SameAs(thread.Context), "the given loop");
        Assert.That(graph.Profile, Is.SameAs(CompatibilityProfile.Qemu), "the given profile");
        Assert.That(graph.UsesPlans, Is.False, "every configuration counts");
    }

    [Test]
    public void Of_two_drivers_of_one_name_the_later_counts()
    {
        DriverRegistry registry = new([new PassThroughDriver(), new OtherPassThrough()]);
        Assert.That(registry.Get("pass-through"), Is.TypeOf<OtherPassThrough>(), "the later");
        Assert.That(registry.All, Has.Count.EqualTo(1), "one of them");
    }

    private sealed class OtherPassThrough : PassThroughDriver
    {
    }
}
