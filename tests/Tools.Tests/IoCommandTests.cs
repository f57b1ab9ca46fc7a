namespace BlockGraph.Tools.Tests;

/// <summary>What each io command does and tells. Texts are as the qemu-io of QEMU 7.2.22 was seen to print them.</summary>
[TestFixture]
public class IoCommandTests
{
    private const string Zeros = "driver=null-co,size=1M,read-zeroes=on";
    private TemporaryFolder _folder = null!;
    private string _image = null!;

    [SetUp]
    public void MakeImage()
    {
        _folder = new TemporaryFolder();
        _image = $"driver=raw,file.filename={_folder.Image("t.img", 1 << 20)}";
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [TestCase("read 0 4096")]
    [TestCase("r 0 4k")]
    [TestCase("readv 0 1k 3k")]
    [TestCase("aio_read 0 4k")]
    [TestCase("read -p 0 4k")]
    [TestCase("  read   0\t4k ")]
    public void A_read_tells_what_it_read(string command)
    {
        ToolRun run = ToolRun.Io(Zeros, command);
        Assert.That(run.TimelessOut, Is.EqualTo("read 4096/4096 bytes at offset 0\n4 KiB, 1 ops; T sec (R)\n"), run.Error);
        Assert.That(run.ExitCode, Is.Zero);
    }

    [TestCase("write 512 1k")]
    [TestCase("w 512 1k")]
    [TestCase("writev 512 512 512")]
    [TestCase("aio_write 512 1k")]
    [TestCase("write -f -p 512 1k")]
    [TestCase("write -z 512 1k")]
    [TestCase("write -zu 512 1k")]
    [TestCase("aio_write -zuf 512 1k")]
    public void A_write_tells_what_it_wrote(string command)
    {
        ToolRun run = ToolRun.Io(_image, command);
        Assert.That(run.TimelessOut, Is.EqualTo("wrote 1024/1024 bytes at offset 512\n1 KiB, 1 ops; T sec (R)\n"), run.Error);
        Assert.That(run.ExitCode, Is.Zero);
    }

    [TestCase("write -q 0 1k", "read -q -P 0xcd 0 1k")]
    [TestCase("write -q -P 0x41 0 1k", "read -q -P 65 0 1k")]
    [TestCase("write -q -P 010 0 1k", "read -q -P 8 0 1k")]
    [TestCase("writev -q -P 7 0 512 512", "readv -q -P 7 0 100 900 24")]
    [TestCase("aio_write -q -P 7 0 512 512", "aio_flush", "aio_read -q -P 7 0 1k", "aio_flush")]
    [TestCase("write -q -P 7 0 1k", "write -q -z 0 1k", "read -q -P 0 0 1k")]
    [TestCase("write -q -P 7 0 1k", "discard -q 0 1k", "flush")]
    [TestCase("write -q -P 7 512 512", "read -q -P 7 -s 512 0 1k")]
    [TestCase("write -q -P 7 512 512", "read -q -P 0 -l 512 0 1k")]
    [TestCase("write -q -P 7 512 100", "read -q -P 7 -s 512 -l 100 0 1k")]
    public void What_was_written_is_read_back_and_quiet_success_says_nothing(params string[] commands)
    {
        ToolRun run = ToolRun.Io(_image, commands);
        Assert.That(run.Out, Is.Empty);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
    }

    [TestCase("read -P 1 0 4k", "Pattern verification failed at offset 0, 4096 bytes")]
    [TestCase("read -P 1 -s 5 0 512", "Pattern verification failed at offset 5, 507 bytes")]
    [TestCase("read -P 1 -s 5 -l 7 512 512", "Pattern verification failed at offset 517, 7 bytes")]
    [TestCase("readv -P 1 0 512 512", "Pattern verification failed at offset 0, 1024 bytes")]
    public void A_wrong_pattern_is_told_before_the_result_and_fails_the_run(string command, string error)
    {
        ToolRun run = ToolRun.Io(Zeros, command);
        Assert.That(run.OutLines[0], Is.EqualTo(error));
        Assert.That(run.OutLines[1], Does.StartWith("read "));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void An_asynchronous_request_that_fails_is_told_but_its_command_has_succeeded()
    {
        ToolRun run = ToolRun.Io(Zeros, "aio_read -q -P 1 0 512", "aio_write 2M 512", "aio_read 2M 512");
        Assert.That(run.OutLines, Is.EquivalentTo(new[]
        {
            "Pattern verification failed at offset 0, 512 bytes", "aio_write failed: Input/output error", "readv failed: Input/output error",
        }));
        Assert.That(run.ExitCode, Is.Zero);
    }

    [TestCase("read 1M 1", "read failed: Input/output error")]
    [TestCase("readv 1M 1", "readv failed: Input/output error")]
    [TestCase("write 1M 1", "write failed: Input/output error")]
    [TestCase("writev 1M 1", "writev failed: Input/output error")]
    [TestCase("write -z 2M 4k", "write failed: Input/output error")]
    [TestCase("discard 2M 4k", "discard failed: Input/output error")]
    [TestCase("write -c 0 512", "write failed: Operation not supported")]
    public void A_request_that_fails_is_told_in_one_line_and_fails_the_run(string command, string error)
    {
        ToolRun run = ToolRun.Io(Zeros, command);
        Assert.That(run.Out, Is.EqualTo(error + "\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void Verbose_shows_offset_bytes_and_letters_before_the_result()
    {
        ToolRun run = ToolRun.Io(_image, "write -q -P 0x41 0 1000", "read -v 990 20");
        Assert.That(run.TimelessOut, Is.EqualTo(
            "000003de:  41 41 41 41 41 41 41 41 41 41 00 00 00 00 00 00  AAAAAAAAAA......\n"
            + "000003ee:  00 00 00 00  ....\n"
            + "read 20/20 bytes at offset 990\n20 bytes, 1 ops; T sec (R)\n"));
    }

    [Test]
    public void Quiet_wins_over_verbose_and_machine_form() =>
        Assert.That(ToolRun.Io(Zeros, "read -v -q 0 16", "read -C -q 0 16").Out, Is.Empty);

    [Test]
    public void What_was_not_read_shows_as_ab() =>
        Assert.That(ToolRun.Io("driver=null-co", "read -q -P 0xab 0 1k").ExitCode, Is.Zero, "null-co leaves the buffer as it is");

    [TestCase("read -C 0 1k")]
    [TestCase("write -C 0 1k")]
    [TestCase("writev -C 0 512 512")]
    [TestCase("discard -C 0 1k")]
    [TestCase("aio_read -C 0 1k")]
    public void The_machine_form_is_bytes_operations_time_and_rates(string command) =>
        Assert.That(ToolRun.Io(Zeros, command).Out, Does.Match(@"^1024,1,0:00:0[0-9]\.[0-9]{2},([0-9]+\.[0-9]{3}|inf),([0-9]+\.[0-9]{3}|inf)\n$"));

    [Test]
    public void Length_is_in_the_largest_unit() =>
        Assert.That(ToolRun.Io("driver=null-co,size=1536", "length", "l").Out, Is.EqualTo("1.500 KiB\n1.500 KiB\n"));

    [Test]
    public void Info_names_the_format() =>
        Assert.That(ToolRun.Io(_image, "info").Out, Is.EqualTo("format name: raw\ncluster size: 0 bytes\nvm state offset: 0 bytes\n"));

    [Test]
    public void Quit_ends_the_run_and_what_was_submitted_finishes()
    {
        ToolRun run = ToolRun.Io(Zeros, "aio_read 0 512", "quit", "read 512 512");
        Assert.That(run.TimelessOut, Is.EqualTo("read 512/512 bytes at offset 0\n512 bytes, 1 ops; T sec (R)\n"));
        Assert.That(run.ExitCode, Is.Zero);
    }

    [Test]
    public void An_image_is_closed_and_another_opened()
    {
        ToolRun run = ToolRun.Io(Zeros, "close", "length", "open driver=null-co,size=2M", "length", "open x", "close", "open -o driver=null-co,size=3M", "length", "c", "o driver=null-co", "l");
        Assert.That(run.Out, Is.EqualTo("2 MiB\n3 MiB\n1 GiB\n"));
        Assert.That(run.Error, Is.EqualTo("no file open, try 'help open'\nblockgraph: file open already, try 'help close'\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void Open_takes_modes_and_refuses_unknown_ones()
    {
        string path = _folder.File("t.img");
        ToolRun run = ToolRun.Own(
            "io", "-c", $"open -r -t writeback -d ignore driver=raw,file.filename={path}", "-c", "write 0 512", "-c", "close", "-c", "open -t foo x", "-c", "open -d foo x", "-c", "open a b", "-c", "open {");
        Assert.That(run.Error, Is.EqualTo(
            "blockgraph: Block node is read-only\nblockgraph: Invalid cache option: foo\nblockgraph: Invalid discard option: foo\nblockgraph: JSON parse error, premature EOI\n"));
        Assert.That(run.Out, Is.EqualTo("open [-CknrsU] [-i aio] [-t cache] [-d discard] [-o options] [path] -- open an image\n"));
    }

    [Test]
    public void Writing_takes_the_bytes_of_a_file_over_and_over()
    {
        File.WriteAllText(_folder.File("source"), "abc");
        ToolRun run = ToolRun.Io(_image, $"write -q -s {_folder.File("source")} 0 8", "read -v 0 9");
        Assert.That(run.Out, Does.Contain("61 62 63 61 62 63 61 62 00  abcabcab."));
    }

    [Test]
    public void A_source_that_is_missing_or_empty_is_told()
    {
        File.WriteAllText(_folder.File("empty"), "");
        ToolRun run = ToolRun.Io(_image, $"write -s {_folder.File("missing")} 0 8", $"write -s {_folder.File("empty")} 0 8");
        Assert.That(run.Error, Is.EqualTo($"{_folder.File("missing")}: No such file or directory\n{_folder.File("empty")}: file is empty\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [TestCase("write 0 512")]
    [TestCase("writev 0 512")]
    [TestCase("aio_write 0 512")]
    [TestCase("discard 0 512")]
    public void A_read_only_image_takes_no_write(string command)
    {
        ToolRun run = ToolRun.Own("io", "-r", Zeros, "-c", command);
        Assert.That(run.Error, Is.EqualTo("blockgraph: Block node is read-only\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void Cache_bypass_and_force_share_reach_the_node()
    {
        Assert.That(ToolRun.Own("io", "-n", _image, "-c", "read -q 0 512").ExitCode, Is.Zero);
        Assert.That(ToolRun.Own("io", "-rU", _image, "-c", "read -q 0 512").ExitCode, Is.Zero);
        Assert.That(ToolRun.Own("io", "-U", _image, "-c", "length").Error, Is.EqualTo("blockgraph: force-share=on can only be used with read-only images\n"));
    }

    [Test]
    public void A_guessed_format_is_warned_of()
    {
        ToolRun run = ToolRun.Io(_folder.File("t.img"), "length");
        Assert.That(run.Out, Is.EqualTo("1 MiB\n"));
        Assert.That(run.Error, Does.StartWith("blockgraph: warning: Image format was not specified"));
        Assert.That(run.Error.Split('\n'), Has.Length.EqualTo(2), "one line");
    }
}
