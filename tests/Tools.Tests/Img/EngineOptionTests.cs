using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Img;
using Microsoft.Extensions.DependencyInjection;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>Where the engine of <c>-i</c> and <c>-n</c> is set: on every file of the host that the options name, and on nothing else.</summary>
[TestFixture]
public class EngineOptionTests
{
    [TestCase("filename=x", "file.aio")]
    [TestCase("filename=file:x", "file.aio")]
    [TestCase("driver=raw,filename=x", "file.aio")]
    [TestCase("driver=raw,file.filename=x", "file.aio")]
    [TestCase("driver=raw,file.driver=file,file.filename=x", "file.aio")]
    [TestCase("file.filename=x", "file.aio")]
    [TestCase("driver=file,filename=x", "aio")]
    [TestCase("driver=throttle,file.filename=x", "file.file.aio")]
    [TestCase("driver=throttle,file.driver=raw,file.filename=x", "file.file.aio")]
    [TestCase("driver=throttle,file.driver=file,file.filename=x", "file.aio")]
    [TestCase("driver=blkdebug,image.filename=x", "image.aio")]
    [TestCase("driver=quorum,vote-threshold=1,children.0.filename=x,children.1.driver=raw,children.1.file.filename=y", "children.0.file.aio", "children.1.file.aio")]
    [TestCase("driver=null-co")]
    [TestCase("filename=null-co://")]
    [TestCase("driver=raw,file.driver=null-co")]
    [TestCase("driver=raw,file=node")]
    [TestCase("driver=frob,filename=x")]
    [TestCase("filename=frob:x")]
    public void The_engine_is_set_on_files_of_the_host(string options, params string[] expected) =>
        Assert.That(KeysSetIn(KeyvalParser.Parse(options).Flatten(), CompatibilityProfile.Own), Is.EquivalentTo(expected), options);

    [Test]
    public void A_filter_stands_over_storage_where_the_graph_is_to_be_QEMUs() =>
        Assert.That(KeysSetIn(KeyvalParser.Parse("driver=throttle,file.filename=x").Flatten(), CompatibilityProfile.Qemu), Is.EqualTo(new[] { "file.aio" }));

    [Test]
    public void A_file_name_that_is_JSON_is_looked_into()
    {
        OptionsDictionary options = new() { { "filename", "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"x\"}}" } };
        Assert.That(KeysSetIn(options, CompatibilityProfile.Own), Is.EqualTo(new[] { "file.aio" }));
        Assert.That(options.GetText("file.filename"), Is.EqualTo("x"));
    }

    [Test]
    public void What_the_options_say_themselves_stays()
    {
        OptionsDictionary options = KeyvalParser.Parse("driver=file,filename=x,aio=threads").Flatten();
        KeysSetIn(options, CompatibilityProfile.Own);
        Assert.That(options.GetText("aio"), Is.EqualTo("threads"));
    }

    private static string[] KeysSetIn(OptionsDictionary options, CompatibilityProfile profile)
    {
        using PolledAioContext context = new("main");
        using ServiceProvider services = new ServiceCollection().AddBlockDrivers().BuildServiceProvider();
        NodeGraph graph = new(MainLoop.Pumped(context), services.GetServices<BlockDriver>(), new NodeGraphOptions { Profile = profile });
        EngineOption.SetDefault(options, "io_uring", graph);
        context.Run(async () => await graph.DisposeAsync());
        return [.. options.Where(pair => pair.Value.AsText == "io_uring").Select(pair => pair.Key)];
    }
}
