using System.Buffers.Binary;
using BlockGraph.Tools.Img;
namespace BlockGraph.Tools.Tests.Img;

/// <summary>The commands that work on whole images, by the program's own name: better words, progress for a person.</summary>
[TestFixture]
public sealed class ImgWorkTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void A_target_that_is_left_incomplete_is_named()
    {
        string source = _folder.File("a.img");
        string target = _folder.Image("b.img", 1 << 20);
        File.WriteAllBytes(source, [1, 2, 3]);
        string full = $"driver=blkdebug,inject-error.0.event=none,inject-error.0.iotype=write,inject-error.0.errno=28,image.driver=raw,image.file.filename={target}";
        ToolRun run = ToolRun.Own("img", "convert", "-n", "--target-image-opts", "-f", "raw", source, full);
        Assert.That(run.Error, Does.Match("^blockgraph: error while writing at byte 0: .*No space left on device \\('.*b.img' is incomplete\\)\n$"), "the failure and what it leaves");
        Assert.That(run.ExitCode, Is.EqualTo(1), "exit code");
    }

    [Test]
    public void A_target_that_is_too_short_is_told_with_both_lengths()
    {
        ToolRun run = ToolRun.Own("img", "convert", "-n", "-f", "raw", "-O", "raw", _folder.Image("a.img", 2000), _folder.Image("b.img", 1000));
        Assert.That(run.Error, Does.Contain("has 1000 bytes, the source 2000: make it longer first (blockgraph img resize)"), "the remedy");
    }

    [Test]
    public void The_length_of_the_source_is_kept_to_the_byte()
    {
        string target = _folder.File("b.img");
        ToolRun run = ToolRun.Own("img", "convert", "-f", "raw", _folder.Image("a.img", 1001), target);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), "it succeeds");
        Assert.That(new FileInfo(target).Length, Is.EqualTo(1001), "where qemu-img makes it 1024");
    }

    [Test]
    public void Progress_on_a_terminal_has_rate_and_amounts()
    {
        File.WriteAllBytes(_folder.File("a.img"), [.. Enumerable.Repeat((byte)7, 3 << 20)]);
        ToolRun run = ToolRun.On(new TestConsole { IsErrorTerminal = true, ErrorWidth = 120 }, "blockgraph", "img", "convert", "-p", "-f", "raw", _folder.File("a.img"), _folder.File("b.img"));
        Assert.That(run.Error, Does.Match("\r100\\.0 %  3 MiB of 3 MiB, [0-9.]+ [KMGT]?i?B/s *\n$"), "the last state of the line");
        Assert.That(run.Out, Is.Empty, "nothing on standard output");
    }

    // Their work is no number of bytes.
    [TestCase("amend", "-o", "refcount_bits=64")]
    [TestCase("check")]
    public void Progress_of_metadata_on_a_terminal_has_rate_and_time_to_go(params string[] words)
    {
        string path = _folder.File("a.qcow2");
        Assert.That(ToolRun.Own("img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512,preallocation=metadata", path, "4M").ExitCode, Is.Zero);
        ToolRun run = ToolRun.On(new TestConsole { IsErrorTerminal = true, ErrorWidth = 120 }, "blockgraph", ["img", words[0], "-p", .. words[1..], path]);
        Assert.That(run.Error, Does.Match("^\r +[0-9.]+ %  [0-9.]+ %/s").And.Match("\r100\\.0 %  [0-9.]+ %/s *\n$"), "the line");
        Assert.That(ToolRun.Own(["img", words[0], "-p", .. words[1..], path]).Out, Does.StartWith("    (").And.Contain("(100.00/100%)\r\n"), "elsewhere");
    }

    [Test]
    public void What_a_check_finds_stands_in_a_line_of_its_own_above_the_progress()
    {
        string path = _folder.File("a.qcow2");
        Assert.That(ToolRun.Own("img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512,preallocation=metadata", path, "4M").ExitCode, Is.Zero);
        byte[] bytes = File.ReadAllBytes(path);
        int table = (int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(48));
        int block = (int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(table));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(block + (2 * 100)), 2);
        File.WriteAllBytes(path, bytes);
        ToolRun run = ToolRun.On(new TestConsole { IsErrorTerminal = true, ErrorWidth = 120 }, "blockgraph", "img", "check", "-p", path);
        Assert.That(run.Error, Does.Match("%/s[^\r\n]*\r +\rLeaked cluster 100 refcount=2 reference=1\nERROR OFLAG_COPIED [^\r\n]*\n\r100\\.0 %"), "the line makes room");
    }

    [Test]
    public void Every_command_is_found_by_its_name() => Assert.That(
        ImgVerbs.CreateAll().Select(verb => (verb.GetType(), ImgVerbs.Create(verb.Name, ImgName.Own)?.GetType())), Has.All.Matches<(Type Listed, Type? Found)>(pair => pair.Listed == pair.Found));

    [Test]
    public void Progress_elsewhere_is_percentages()
    {
        File.WriteAllBytes(_folder.File("a.img"), [.. Enumerable.Repeat((byte)7, 4 << 20)]);
        ToolRun run = ToolRun.Own("img", "convert", "-p", "-f", "raw", _folder.File("a.img"), _folder.File("b.img"));
        Assert.That(run.Out, Is.EqualTo("    (0.00/100%)\r    (50.00/100%)\r    (100.00/100%)\r    (100.00/100%)\r\n"), "for scripts");
    }

    [Test]
    public void Unreadable_ranges_are_told_as_one()
    {
        File.WriteAllBytes(_folder.File("a.img"), [.. Enumerable.Repeat((byte)7, 4096)]);
        string broken = $"driver=blkdebug,inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.once=off,image.driver=raw,image.file.filename={_folder.File("a.img")}";
        ToolRun run = ToolRun.Own("img", "convert", "--salvage", "--image-opts", broken, _folder.File("b.img"));
        Assert.That(run.Error, Does.StartWith("blockgraph: warning: 4096 bytes at offset 0 could not be read and became zeros: "), "one line for eight sectors");
        Assert.That(run.ExitCode, Is.Zero, "it goes on");
        Assert.That(File.ReadAllBytes(_folder.File("b.img")), Is.EqualTo(new byte[4096]), "zeros");
    }
}
