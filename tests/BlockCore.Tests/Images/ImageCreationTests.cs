using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Images;

/// <summary>
/// New images, made by a format over a protocol:
/// <code>
///   ImageCreation ──► cow (lays the image out) ──► memory (makes the file)
/// </code>
/// </summary>
[TestFixture]
internal sealed class ImageCreationTests
{
    private const int LengthBytes = 64 << 10;

    [Test]
    public void A_new_image_opens_with_the_length_and_the_options_that_it_was_made_with()
    {
        using GraphFixture fixture = NewFixture();
        fixture.Run(async () =>
        {
            await new ImageCreation(fixture.Graph, "cow", "memory:new").CreateAsync(new OptionsDictionary { { "size", LengthBytes }, { "cluster_size", 8192L } });
            Assert.That(fixture.Graph.Nodes, Is.Empty, "nothing stays open");
            await using BlockBackend image = await fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=new");
            Assert.That(image.LengthBytes, Is.EqualTo(LengthBytes), "length");
            Assert.That(image.Root!.Instance.ClusterBytes, Is.EqualTo(8192), "cluster");
            Assert.That(await AllBytesAsync(image), Is.All.EqualTo(0), "contents");
        });
    }

    [Test]
    public void A_raw_image_is_as_long_as_asked_for()
    {
        using GraphFixture fixture = NewFixture();
        fixture.Run(async () =>
        {
            await new ImageCreation(fixture.Graph, "raw", "memory:new").CreateAsync(new OptionsDictionary { { "size", 12345L } });
            Assert.That(fixture.Memory.Storage("new").Bytes, Has.Length.EqualTo(12345), "the file");
        });
    }

    [Test]
    public void Whatever_step_fails_nothing_is_left_of_a_new_image()
    {
        int stepCount = StepCount(isThere: false);
        Assert.That(stepCount, Is.GreaterThanOrEqualTo(4), "the count of steps fell");
        for (int failing = 1; failing <= stepCount; failing++)
        {
            FailAt(failing, isThere: false);
        }
    }

    [Test]
    public void Whatever_step_fails_a_file_that_was_there_is_not_removed()
    {
        int stepCount = StepCount(isThere: true);
        Assert.That(stepCount, Is.GreaterThanOrEqualTo(4), "the count of steps fell");
        for (int failing = 1; failing <= stepCount; failing++)
        {
            FailAt(failing, isThere: true);
        }
    }

    // A protocol that makes nothing: what is there is written over, if it is long enough.
    [Test]
    public void Where_the_protocol_makes_nothing_what_is_there_is_taken()
    {
        using GraphFixture fixture = NewFixture();
        byte[] bytes = fixture.Faulty.Disk("device", LengthBytes).Storage.Bytes;
        Array.Fill(bytes, (byte)0x5a);
        fixture.Run(async () =>
        {
            await new ImageCreation(fixture.Graph, "raw", "faulty:device").CreateAsync(new OptionsDictionary { { "size", LengthBytes / 2 } });
            await using BlockBackend image = await fixture.OpenAsync("driver=raw,file.driver=faulty,file.filename=device");
            byte[] now = await AllBytesAsync(image);
            Assert.That(now[..512], Is.All.EqualTo(0), "nobody takes it for what it was");
            Assert.That(now[512..], Is.All.EqualTo(0x5a), "the rest is as it was");
        });
    }

    [TestCase("nope", "memory:new", "Unknown file format 'nope'")]
    [TestCase("pass-through", "memory:new", "Format driver 'pass-through' does not support image creation")]
    [TestCase("raw", "nope:new", "Unknown protocol 'nope'")]
    public void What_makes_no_images_is_refused_by_name(string format, string fileName, string message)
    {
        using GraphFixture fixture = NewFixture();
        BlockException error = Assert.Throws<BlockException>(() => _ = new ImageCreation(fixture.Graph, format, fileName))!;
        Assert.That(error.Message, Does.StartWith(message));
    }

    [Test]
    public void A_bad_value_is_told_by_the_format_and_leaves_nothing()
    {
        using GraphFixture fixture = NewFixture();
        fixture.Run(async () =>
        {
            BlockException error = await Failure.OfAsync<BlockException>(() =>
                new ImageCreation(fixture.Graph, "cow", "memory:new").CreateAsync(new OptionsDictionary { { "size", LengthBytes }, { "cluster_size", 1000L } }));
            Assert.That(error.Message, Does.Contain("Cluster size 1000"), "the message names the field");
            Assert.That(fixture.Memory.Has("new"), Is.False, "no file");
        });
    }

    [TestCase("dir/new.img", "base.img", "dir/base.img")]
    [TestCase("new.img", "base.img", "base.img")]
    [TestCase("dir/new.img", "/abs/base.img", "/abs/base.img")]
    [TestCase("memory:new", "memory:base", "memory:base")]
    public void A_backing_file_is_looked_for_beside_the_new_image(string fileName, string backing, string expected)
    {
        using GraphFixture fixture = NewFixture(new Drivers.Protocols.HostFile.HostFileDriver());
        Assert.That(new ImageCreation(fixture.Graph, "cow", fileName).ResolveBacking(backing), Is.EqualTo(expected));
    }

    private static GraphFixture NewFixture(params BlockCore.DriverModel.BlockDriver[] drivers) => new(drivers: [new RawDriver(), .. drivers]);

    // Up to the last step of making the image: what follows closes the file, and closing goes on whatever a hook says.
    private static int StepCount(bool isThere) => FailAt(0, isThere).IndexOf("close cow file") + 1;

    // Makes an image, failing at the step of that number (0: none), and looks at what is left; returns the steps.
    private static List<string> FailAt(int failing, bool isThere)
    {
        List<string> steps = [];
        using GraphFixture fixture = NewFixture();
        if (isThere)
        {
            fixture.Memory.Storage("new");
        }

        fixture.StepHook = name =>
        {
            steps.Add(name);
            if (steps.Count == failing)
            {
                throw new StepFailedException(name);
            }
        };
        fixture.Run(async () =>
        {
            Task Create() => new ImageCreation(fixture.Graph, "cow", "memory:new").CreateAsync(new OptionsDictionary { { "size", LengthBytes } });
            if (failing == 0)
            {
                await Create();
                return;
            }

            await Failure.OfAsync<StepFailedException>(Create);
            string step = $"after failing at step {failing}, {steps[^1]}";
            Assert.That(fixture.Memory.Has("new"), Is.EqualTo(isThere), $"the file {step}");
            Assert.That(fixture.Graph.Nodes, Is.Empty, $"no node {step}");
        });
        return steps;
    }

    private sealed class StepFailedException(string step) : Exception($"on purpose at {step}");

    private static async Task<byte[]> AllBytesAsync(BlockBackend image)
    {
        byte[] bytes = new byte[image.LengthBytes];
        await image.ReadAsync(0, new IoVector(bytes));
        return bytes;
    }
}
