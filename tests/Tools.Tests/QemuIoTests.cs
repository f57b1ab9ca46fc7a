namespace BlockGraph.Tools.Tests;

/// <summary>The program by the name qemu-io.</summary>
[TestFixture]
public class QemuIoTests
{
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
    public void The_prompt_is_printed_to_scripts_too()
    {
        ToolRun run = ToolRun.By("qemu-io", "length\nread -q 0 512\n", "-f", "raw", _image);
        Assert.That(run.Out, Is.EqualTo("qemu-io> 1 MiB\nqemu-io> qemu-io> "));
        Assert.That(run.ExitCode, Is.Zero, run.Error);
    }

    [Test]
    public void The_version_has_a_number_where_scripts_look_for_it() =>
        Assert.That(ToolRun.By("qemu-io", "", "-V").Out, Does.Match(@"^qemu-io version [0-9]+\.[0-9]+\.[0-9]+ \(blockgraph [0-9.]+\)\n$"));

    [TestCase("-h")]
    [TestCase("--help")]
    [TestCase("--hel")]
    public void Help_is_no_failure(string argument)
    {
        ToolRun run = ToolRun.By("qemu-io", "", argument);
        Assert.That(run.Out, Does.StartWith("Usage: qemu-io [OPTIONS]... [-c STRING]... [file]\n"));
        Assert.That(run.ExitCode, Is.Zero);
    }

    [TestCase("qemu-io: invalid option -- 'x'", "-x")]
    [TestCase("qemu-io: unrecognized option '--nope'", "--nope")]
    [TestCase("qemu-io: option requires an argument -- 'f'", "-f")]
    [TestCase("qemu-io: option '--format' requires an argument", "--format")]
    [TestCase("qemu-io: option '--nocache' doesn't allow an argument", "--nocache=x")]
    [TestCase("qemu-io: option '--c' is ambiguous; possibilities: '--cmd' '--copy-on-read' '--cache'", "--c")]
    public void A_wrong_command_line_is_answered_with_help(string error, params string[] arguments)
    {
        ToolRun run = ToolRun.By("qemu-io", "", arguments);
        Assert.That(run.Error, Is.EqualTo(error + "\n"));
        Assert.That(run.Out, Does.StartWith("Usage: "));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void Two_files_are_one_too_many()
    {
        ToolRun run = ToolRun.By("qemu-io", "", "a", "b");
        Assert.That(run.Out, Does.StartWith("Usage: "));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [TestCase("qemu-io: --image-opts and -f are mutually exclusive", "--image-opts", "-f", "raw", "driver=null-co")]
    [TestCase("qemu-io: Invalid cache option: foo", "-t", "foo", "x")]
    [TestCase("qemu-io: Invalid discard option: foo", "-dfoo", "x")]
    [TestCase("qemu-io: can't open: Unknown driver 'foo'", "--image-opts", "driver=foo")]
    [TestCase("qemu-io: can't open: Block protocol 'null-co' doesn't support the option 'foo'", "--image-opts", "driver=null-co,foo=1")]
    [TestCase("qemu-io: can't open device nofile: Could not open 'nofile': No such file or directory", "-f", "raw", "nofile")]
    [TestCase("qemu-io: can't open device nofile: Unknown driver 'foo'", "--format=foo", "nofile")]
    public void A_failure_to_open_is_prefixed_as_scripts_expect(string error, params string[] arguments)
    {
        ToolRun run = ToolRun.By("qemu-io", "", arguments);
        Assert.That(run.Error, Is.EqualTo(error + "\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void A_snapshot_takes_what_is_written_and_is_gone_afterwards()
    {
        byte[] before = File.ReadAllBytes(_image);
        ToolRun run = ToolRun.By("qemu-io", "", "-s", "-f", "raw", _image, "-c", "write -q -P 5 1k 64k", "-c", "read -q -P 5 1k 64k", "-c", "read -q -P 0 128k 64k", "-c", "info", "-c", "close", "-c", "open -s -o driver=raw " + _image, "-c", "read -q -P 0 0 1M");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Out, Does.StartWith("format name: qcow2\ncluster size: 64 KiB\nvm state offset: 512 MiB\nFormat specific information:\n    compat: 1.1\n"), "the overlay");
        Assert.That(File.ReadAllBytes(_image), Is.EqualTo(before), "the image");
    }

    [Test]
    public void Without_a_file_a_command_opens_one()
    {
        ToolRun run = ToolRun.By("qemu-io", "", "-c", "length", "-c", $"open -o driver=raw {_image}", "-c", "length", "-c", "write 0 512");
        Assert.That(run.Error, Is.EqualTo("no file open, try 'help open'\n"));
        Assert.That(run.TimelessOut, Is.EqualTo("1 MiB\nwrote 512/512 bytes at offset 0\n512 bytes, 1 ops; T sec (R)\n"));
    }

    [Test]
    public void Option_strings_come_on_the_command_line_only()
    {
        ToolRun run = ToolRun.By("qemu-io", "", "--image-opts", "driver=null-co", "-c", "close", "-c", "open -o driver=null-co", "-c", "open driver=null-co,size=1k", "-c", "length");
        Assert.That(run.Out, Is.EqualTo("--image-opts and 'open -o' are mutually exclusive\n1 KiB\n"));
    }

    [Test]
    public void A_bare_flag_in_an_option_string_is_warned_of()
    {
        ToolRun run = ToolRun.By("qemu-io", "", "--image-opts", "driver=null-co,read-zeroes", "-c", "read -q -P 0 0 512");
        Assert.That(run.Error, Does.StartWith("qemu-io: warning: short-form boolean option 'read-zeroes' deprecated\n"));
        Assert.That(run.ExitCode, Is.Zero);
    }

    [Test]
    public void A_guessed_format_is_warned_of_in_capitals() =>
        Assert.That(ToolRun.By("qemu-io", "", _image, "-c", "length").Error, Does.StartWith($"WARNING: Image format was not specified for '{_image}' and probing guessed raw"));

    [Test]
    public void A_throttle_group_must_be_made_beforehand()
    {
        ToolRun run = ToolRun.By("qemu-io", "", "--image-opts", "driver=throttle,throttle-group=g,file.driver=null-co");
        Assert.That(run.Error, Is.EqualTo("qemu-io: can't open: Throttle group 'g' does not exist\n"));
    }

    [Test]
    public void What_was_submitted_is_drained_at_the_end()
    {
        ToolRun run = ToolRun.By("qemu-io", "", "--image-opts", "driver=null-co,read-zeroes=on", "-c", "aio_read -P 0 0 512");
        Assert.That(run.TimelessOut, Is.EqualTo("read 512/512 bytes at offset 0\n512 bytes, 1 ops; T sec (R)\n"));
    }

    [TestCase("-r", "-U")]
    [TestCase("-n")]
    [TestCase("-t", "writeback")]
    [TestCase("-t", "unsafe")]
    [TestCase("-t", "directsync")]
    [TestCase("-d", "unmap")]
    public void Modes_open_the_image(params string[] mode) =>
        Assert.That(ToolRun.By("qemu-io", "", [.. mode, "-f", "raw", _image, "-c", "read -q -P 0 0 512"]).ExitCode, Is.Zero);
}
