namespace BlockGraph.Tools.Tests.Img;

/// <summary><c>blockgraph img bench</c>: what it prints, what it does to an image, and what it refuses.</summary>
[TestFixture]
public class ImgBenchTests
{
    private const string Slow = "driver=null-co,size=1M,latency-ns=1000000";
    private TemporaryFolder _folder = null!;
    private string _image = null!;

    [SetUp]
    public void MakeImage()
    {
        _folder = new TemporaryFolder();
        _image = _folder.Image("t.img", 1 << 20);
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void The_first_line_says_what_is_done_and_the_last_how_long_it_took()
    {
        ToolRun run = ToolRun.Own("img", "bench", "-c", "10", "-d", "2", "--image-opts", Slow, "--virtual-time");
        Assert.That(run.Error, Is.Empty);
        Assert.That(run.Out, Is.EqualTo("Sending 10 read requests, 4096 bytes each, 2 in parallel (starting at offset 0, step size 4096)\nRun completed in 0.005 seconds.\n"));
        Assert.That(run.ExitCode, Is.Zero);
    }

    [Test]
    public void Without_arguments_it_does_what_qemu_img_does()
    {
        ToolRun run = ToolRun.Own("img", "bench", "--image-opts", Slow, "--virtual-time");
        Assert.That(run.OutLines[0], Is.EqualTo("Sending 75000 read requests, 4096 bytes each, 64 in parallel (starting at offset 0, step size 4096)"));
        Assert.That(run.OutLines[1], Is.EqualTo("Run completed in 1.172 seconds."), "75000 / 64 turns of a millisecond");
    }

    [Test]
    public void A_flush_interval_has_a_line_of_its_own()
    {
        ToolRun run = ToolRun.Own("img", "bench", "-w", "-c", "8", "-d", "2", "-s", "512", "-S", "1k", "-o", "3k", "--flush-interval", "4", "-f", "raw", _image);
        Assert.That(run.OutLines[..2], Is.EqualTo(new[]
        {
            "Sending 8 write requests, 512 bytes each, 2 in parallel (starting at offset 3072, step size 1024)",
            "Sending flush every 4 requests",
        }));
        Assert.That(run.ExitCode, Is.Zero, run.Error);
    }

    [Test]
    public void An_interval_of_nothing_is_no_interval() =>
        Assert.That(ToolRun.Own("img", "bench", "-c", "1", "--flush-interval", "0", "-f", "raw", _image).OutLines, Has.Length.EqualTo(2), "not even in a read test");

    [Test]
    public void What_is_written_is_the_pattern_where_the_requests_are_and_nowhere_else()
    {
        byte[] expected = new byte[1 << 20];
        for (int i = 0; i < 5; i++)
        {
            expected.AsSpan(5000 + (i * 9000), 700).Fill(0xab);
        }

        ToolRun run = ToolRun.Own("img", "bench", "-w", "-c", "5", "-s", "700", "-S", "9000", "-o", "5000", "--pattern", "0xab", "-f", "raw", _image);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(File.ReadAllBytes(_image), Is.EqualTo(expected));
    }

    [Test]
    public void Without_a_pattern_zeros_are_written()
    {
        File.WriteAllBytes(_image, [.. Enumerable.Repeat((byte)1, 8192)]);
        ToolRun.Own("img", "bench", "-w", "-c", "1", "-f", "raw", _image);
        Assert.That(File.ReadAllBytes(_image)[..4097], Is.EqualTo((byte[])[.. new byte[4096], 1]));
    }

    [Test]
    public void A_read_test_changes_nothing()
    {
        ToolRun.Own("img", "bench", "-c", "300", "--pattern", "7", "-f", "raw", _image);
        Assert.That(File.ReadAllBytes(_image), Is.EqualTo(new byte[1 << 20]));
    }

    [TestCase("-t", "writeback")]
    [TestCase("-t", "writethrough", "-w")]
    [TestCase("-t", "unsafe", "-w", "--flush-interval", "64")]
    [TestCase("-U")]
    [TestCase("-q")]
    [TestCase("--no-drain")]
    [TestCase("--no-drain", "-w", "--flush-interval", "64")]
    [TestCase("-c", "3", "-c", "5")]
    [TestCase("--count", "0x5", "--depth", "010", "--buffer-size", "1k", "--step-size", "2K", "--offset", "1.5k", "--format", "raw", "--write", "--quiet")]
    public void Options_are_taken(params string[] options) =>
        Assert.That(ToolRun.Own(["img", "bench", "-c", "100", "-f", "raw", .. options, _image]), Has.Property(nameof(ToolRun.ExitCode)).Zero.And.Property(nameof(ToolRun.Error)).Empty);

    [Test]
    public void The_last_of_one_option_counts() =>
        Assert.That(ToolRun.Own("img", "bench", "-c", "3", "-c", "5", "-f", "raw", _image).Out, Does.StartWith("Sending 5 read requests"));

    [TestCase("none")]
    [TestCase("directsync")]
    public void A_cache_mode_that_bypasses_the_page_cache_writes_the_same_bytes(string mode)
    {
        ToolRun run = ToolRun.Own("img", "bench", "-w", "-t", mode, "-c", "3", "-s", "1000", "--pattern", "9", "-f", "raw", _image);
        if (run.Error.Contains("O_DIRECT", StringComparison.Ordinal))
        {
            Assert.Ignore("the file system does not take O_DIRECT");
        }

        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(File.ReadAllBytes(_image)[..3001], Is.EqualTo((byte[])[.. Enumerable.Repeat((byte)9, 3000), 0]), "padded, and merged with what was there");
    }

    [Test]
    public void Objects_come_first()
    {
        ToolRun run = ToolRun.Own(
            "img", "bench", "-c", "30", "-d", "1", "--object", "throttle-group,id=g,limits.iops-total=100",
            "--image-opts", "driver=throttle,throttle-group=g,file.driver=null-co", "--virtual-time");
        Assert.That(run.Error, Is.Empty);
        Assert.That(run.OutLines[1], Is.EqualTo("Run completed in 0.190 seconds."), "eleven at once, then one every 10 ms");
    }

    [TestCase("Invalid request count specified", "-c", "x")]
    [TestCase("Invalid request count specified", "-c", "-1")]
    [TestCase("Invalid request count specified", "-c", "2147483648")]
    [TestCase("Invalid queue depth specified", "-d", "1k")]
    [TestCase("Invalid queue depth specified", "-d", "0")]
    [TestCase("Invalid flush interval specified", "--flush-interval", "")]
    [TestCase("Invalid pattern byte specified", "--pattern", "256")]
    [TestCase("Invalid offset specified. Must be between 0 and 9223372036854775807.", "-o", "9E")]
    [TestCase("Invalid buffer size specified. Must be between 0 and 2147483647.", "-s", "2G")]
    [TestCase("Invalid step_size specified. Must be between 0 and 2147483647.", "-S", "2G")]
    [TestCase("Invalid offset specified. You may use k, M, G, T, P or E suffixes for kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.", "-o", "x")]
    [TestCase("Invalid aio option: auto", "-i", "auto")]
    [TestCase("Invalid cache mode", "-t", "foo")]
    [TestCase("--flush-interval is only available in write tests", "--flush-interval", "100")]
    [TestCase("Flush interval can't be smaller than depth", "--flush-interval", "63", "-w")]
    [TestCase("--image-opts and --format are mutually exclusive", "--image-opts", "-f", "raw")]
    public void What_makes_no_sense_is_refused(string error, params string[] options)
    {
        ToolRun run = ToolRun.Own(["img", "bench", .. options, _image]);
        Assert.That(run.Error, Is.EqualTo($"blockgraph: {error}\n"));
        Assert.That(run.Out, Is.Empty);
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void A_failure_to_open_is_told_as_it_is() =>
        Assert.That(ToolRun.Own("img", "bench", "-f", "raw", _folder.File("nofile")).Error, Is.EqualTo($"blockgraph: Could not open '{_folder.File("nofile")}': No such file or directory\n"));

    [Test]
    public void A_read_only_image_is_not_written() =>
        Assert.That(ToolRun.Own("img", "bench", "-w", "--image-opts", "driver=null-co,read-only=on").Error, Is.EqualTo("blockgraph: Block node is read-only\n"));
}
