using System.Diagnostics;

namespace BlockGraph.Tools.Tests;

/// <summary>The argument <c>--object</c> of every command that opens images.</summary>
[TestFixture]
public class ObjectArgumentTests
{
    private const string Throttled = "driver=throttle,throttle-group=g,file.driver=null-co,file.size=1M,file.read-zeroes=on";

    [TestCase("throttle-group,id=g,limits.iops-total=100")]
    [TestCase("throttle-group,id=g,x-iops-total=100")]
    [TestCase("""{"qom-type":"throttle-group","id":"g","limits":{"iops-total":100}}""")]
    [TestCase("""{"qom-type":"throttle-group","id":"g","props":{"limits":{"iops-total":100}}}""")]
    public void A_throttle_node_can_name_the_group(string group)
    {
        string[] reads = [.. Enumerable.Repeat("aio_read -q 0 512", 15).SelectMany(command => new[] { "-c", command })];
        ToolRun own = ToolRun.Own(["io", "--virtual-time", "--object", group, Throttled, .. reads]);
        Assert.That((own.ExitCode, own.Out), Is.EqualTo((0, "virtual time: 40 ms\n")), own.Error);
        ToolRun link = ToolRun.By("qemu-io", "", "--object", group, "--image-opts", Throttled, "-c", "read -q -P 0 0 512");
        Assert.That((link.ExitCode, link.Error), Is.EqualTo((0, "")), "by the name of qemu-io");
    }

    [TestCase("bench", "--virtual-time", "--count", "1")]
    [TestCase("graph")]
    [TestCase("io", "-c", "length")]
    public void Every_command_that_opens_takes_it(string command, params string[] arguments)
    {
        ToolRun run = ToolRun.Own([command, "--object", "throttle-group,id=g", Throttled, .. arguments]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(ToolRun.Own([command, "--object", "throttle-group,id=h", Throttled, .. arguments]).Error, Is.EqualTo("blockgraph: Throttle group 'g' does not exist\n"), "another group");
    }

    [Test]
    public void So_does_plan() =>
        Assert.That(
            ToolRun.Own("plan", "--object", "throttle-group,id=g", "driver=null-co,node-name=n", "insert-filter driver=throttle,throttle-group=g over n").ExitCode,
            Is.Zero, "the change names the group");

    [Test]
    public void Help_lists_types_and_options()
    {
        Assert.That(ToolRun.Own("io", "--object", "help").Out, Is.EqualTo("List of user creatable objects:\n  secret\n  throttle-group\n"), "types");
        ToolRun options = ToolRun.Own("io", "--object", "throttle-group,help");
        Assert.That(options.OutLines[0], Is.EqualTo("throttle-group options:"), "the type");
        Assert.That(options.OutLines, Has.Length.EqualTo(1 + (2 * 19) + 3 + 1 + 5 + 1), "both forms of nineteen limits, settings, parent, share, adopt");
        Assert.That((options.OutLines[^1], options.ExitCode), Is.EqualTo(("  adopt=<bool>                           - make a group of this name that nodes or devices have created the object's", 0)), "the last");
    }

    [Test]
    public void A_refused_object_leaves_no_new_image()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "new.img");
        ToolRun run = ToolRun.Own("bench", "--create", "1M", "--object", "throttle-group", path);
        Assert.That(run.Error, Is.EqualTo("blockgraph: Parameter 'id' is missing\n"), "why");
        Assert.That(File.Exists(path), Is.False, "nothing was made");
    }

    [TestCase("throttle-group")]
    [TestCase("throttle-group,id=")]
    [TestCase("throttle-group,id=1g")]
    [TestCase("throttle-group,id=g", "throttle-group,id=g")]
    [TestCase("throttle-group,id=type")]
    [TestCase("nothing,id=g")]
    [TestCase("id=g")]
    [TestCase("throttle-group,id=g,foo=1")]
    [TestCase("throttle-group,id=1,foo=1")]
    [TestCase("throttle-group,id=g,limits.foo=1,bar=1")]
    [TestCase("throttle-group,id=g,limits.iops-total=10M")]
    [TestCase("throttle-group,id=g,limits.iops-total=0x10")]
    [TestCase("throttle-group,id=g,limits.iops-total=-5")]
    [TestCase("throttle-group,id=g,limits.iops-total=")]
    [TestCase("throttle-group,id=g,limits.iops-total=99999999999999999999")]
    [TestCase("throttle-group,id=g,limits.iops-total.x=1")]
    [TestCase("throttle-group,id=g,limits=5")]
    [TestCase("throttle-group,id=g,limits.iops-total=1,limits=1")]
    [TestCase("throttle-group,id=g,id.x=1")]
    [TestCase("throttle-group,id=g,limits.iops-total-max-length=4294967296")]
    [TestCase("throttle-group,id=g,limits.iops-total=1,limits.iops-read=1")]
    [TestCase("throttle-group,id=g,limits.iops-size=1")]
    [TestCase("throttle-group,id=g,limits.iops-total=1,limits.iops-total-max-length=2")]
    [TestCase("throttle-group,id=g", "throttle-group,id=g,limits.iops-total=-1")]
    [TestCase("throttle-group,id=g", "throttle-group,id=g,x-iops-total-max-length=0")]
    [TestCase("throttle-group,id=g,x-iops-total=10M")]
    [TestCase("throttle-group,id=g,x-iops-total=-5")]
    [TestCase("throttle-group,id=g,x-iops-size=-5")]
    [TestCase("throttle-group,id=g,x-iops-total-max-length=4294967296")]
    [TestCase("throttle-group,id=g,x-iops-total-max-length=4294967296,x-iops-total=-1")]
    [TestCase("throttle-group,id=g,x-iops-total-max-length=0")]
    [TestCase("throttle-group,id=g,x-iops-total=1,x-iops-total-max=1000000000001,x-iops-total-max-length=1000")]
    [TestCase("""{"qom-type":"throttle-group","id":"g","limits":{"iops-total":"5"}}""")]
    [TestCase("""{"qom-type":"throttle-group","id":"g","limits":{"iops-total":1.5}}""")]
    [TestCase("""{"qom-type":"throttle-group","id":"g","limits":{"foo":5}}""")]
    [TestCase("""{"qom-type":"throttle-group","id":"g","limits":5}""")]
    [TestCase("""{"qom-type":"throttle-group","id":"g","limits":[]}""")]
    [TestCase("""{"qom-type":"throttle-group","id":"g","limits":null}""")]
    [TestCase("""{"qom-type":"throttle-group","id":"g","limits":{}}""")]
    [TestCase("""{"qom-type":"throttle-group","id":"g","x-iops-total":"5"}""")]
    [TestCase("""{"qom-type":"throttle-group","id":5}""")]
    [TestCase("""{"qom-type":"throttle-group"}""")]
    [TestCase("""{"id":"g"}""")]
    [TestCase("""{"qom-type":"throttle-group","id":"g" """)]
    public void What_is_said_is_what_qemu_io_says(params string[] objects)
    {
        const string Program = "/usr/bin/qemu-io";
        if (!File.Exists(Program))
        {
            Assert.Ignore("missing program: qemu-io");
        }

        string[] arguments = [.. objects.SelectMany(text => new[] { "--object", text }), "-c", "quit"];
        ProcessStartInfo start = new(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string theirs = process.StandardError.ReadToEnd();
        process.WaitForExit();
        ToolRun ours = ToolRun.By("qemu-io", "", arguments);
        Assert.That(ours.Error, Is.EqualTo(theirs), "the text");
        Assert.That(ours.ExitCode, Is.EqualTo(process.ExitCode), "the exit code");
    }
}
