using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>Which engine a process uses.</summary>
[TestFixture]
public sealed class HostPlatformTests
{
    [TestCase(null, true, "linux")]
    [TestCase("", true, "linux")]
    [TestCase("auto", true, "linux")]
    [TestCase("auto", false, "portable")]
    [TestCase(null, false, "portable")]
    [TestCase("portable", true, "portable")]
    [TestCase("portable", false, "portable")]
    [TestCase("linux", true, "linux")]
    public void The_variable_chooses_the_engine(string? engine, bool isLinux, string expected) =>
        Assert.That(HostPlatform.Choose(engine, isLinux).Name, Is.EqualTo(expected), "the engine");

    [TestCase("linux", false, "BLOCKGRAPH_ENGINE does not accept value 'linux' (use auto, portable)")]
    [TestCase("io_uring", true, "BLOCKGRAPH_ENGINE does not accept value 'io_uring' (use auto, linux, portable)")]
    public void A_value_that_names_no_engine_is_refused(string engine, bool isLinux, string expected) =>
        Assert.That(() => HostPlatform.Choose(engine, isLinux), Throws.TypeOf<BlockException>().With.Message.EqualTo(expected), "the text");

    [Test]
    public void The_portable_engine_watches_no_descriptors()
    {
        using PolledAioContext context = new("test", platform: HostPlatform.Portable);
        IdleHandler handler = new();
        Assert.That(() => context.Watch(handler), Throws.TypeOf<BlockException>().With.Property("Kind").EqualTo(BlockErrorKind.NotSupported), "refused");
        Assert.That(() => context.Unwatch(handler), Throws.Nothing, "nothing to end");
    }

    [Test]
    public void A_context_of_virtual_time_watches_no_descriptors()
    {
        using VirtualTimeScheduler world = new();
        IdleHandler handler = new();
        Assert.That(
            () => world.MainContext.Watch(handler),
            Throws.TypeOf<BlockException>().With.Message.EqualTo("Context 'main' cannot wait for descriptors"),
            "refused by name");
        Assert.That(() => world.MainContext.Unwatch(handler), Throws.Nothing, "nothing to end");
    }

    private sealed class IdleHandler() : DescriptorHandler(0, DescriptorEvents.Readable)
    {
        protected override void OnReady()
        {
        }
    }
}
