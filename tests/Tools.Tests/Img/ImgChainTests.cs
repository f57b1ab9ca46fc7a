namespace BlockGraph.Tools.Tests.Img;

/// <summary>The commands on chains of images, with the test kit's format: what a chain reads as, what is stored where, and what a header says.</summary>
[TestFixture]
public sealed class ImgChainTests
{
    private ChainFolder _folder = null!;

    // top {5} -> middle {3, 4} -> base {0, 1, 2, 3}, of eight clusters each
    [SetUp]
    public void MakeChain()
    {
        _folder = new ChainFolder();
        _folder.Make("base", "create -q -f cow BASE 32k", 10, 0, 1, 2, 3);
        _folder.Make("middle", "create -q -f cow -b BASE -F cow MIDDLE", 20, 3, 4);
        _folder.Make("top", "create -q -f cow -b MIDDLE -F cow TOP", 30, 5);
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void A_new_overlay_is_as_long_as_its_backing_image_and_reads_as_it()
    {
        ToolRun run = _folder.Own("create -f cow -b TOP -F cow NEW");
        Assert.That(run.Out, Is.EqualTo($"Formatting '{_folder.File("new")}', fmt=cow size=32768 cluster_size=4096 backing_file={_folder.File("top")} backing_fmt=cow\n"), "what it is told");
        Assert.That(_folder.Read("new"), Is.EqualTo(new[] { 10, 11, 12, 23, 24, 35, 0, 0 }), "what it reads as");
    }

    [Test]
    public void A_backing_image_that_is_not_there_makes_no_overlay()
    {
        ToolRun run = _folder.Own("create -f cow -b NONE -F cow NEW 1M");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, $"blockgraph: {_folder.File("new")}: Could not open '{_folder.File("none")}': No such file or directory (Could not open backing image)\n")), "the refusal");
        Assert.That(File.Exists(_folder.File("new")), Is.False, "nothing is made");
        Assert.That(_folder.Own("create -q -u -f cow -b NONE -F cow NEW 1M").ExitCode, Is.Zero, "unless nobody looks");
    }

    [Test]
    public void The_whole_chain_is_described_from_the_top_down()
    {
        string[] names = [.. _folder.Own("info --backing-chain --output=json TOP").Json().EnumerateArray().Select(image => image.GetProperty("filename").GetString()!)];
        Assert.That(names, Is.EqualTo(new[] { _folder.File("top"), _folder.File("middle"), _folder.File("base") }), "JSON");
        ToolRun run = _folder.Own("info --backing-chain TOP");
        Assert.That(run.Out.Split("\n\n"), Has.Length.EqualTo(3), "a paragraph for each");
        Assert.That(run.Out, Does.Contain($"backing file: {_folder.File("middle")}\nbacking file format: cow\n"), "with what its header says");
        Assert.That(_folder.Own("info TOP").Out.Split("image: "), Has.Length.EqualTo(2), "one alone");
    }

    [Test]
    public void A_chain_that_leads_back_to_itself_is_told()
    {
        Assert.That(_folder.Own("rebase -u -f cow -b TOP -F cow BASE").ExitCode, Is.Zero, "nobody looks");
        Assert.That(_folder.Own("info --backing-chain TOP").Error, Is.EqualTo($"blockgraph: Backing file '{_folder.File("top")}' creates an infinite loop.\n"), "the refusal");
        File.CreateSymbolicLink(_folder.File("link"), _folder.File("middle"));
        Assert.That(_folder.Own("rebase -u -f cow -b LINK -F cow BASE").ExitCode, Is.Zero, "nobody looks");
        Assert.That(_folder.Own("info --backing-chain TOP").Error, Is.EqualTo($"blockgraph: Backing file '{_folder.File("link")}' creates an infinite loop.\n"), "by whatever links");
    }

    [Test]
    public void A_chain_is_followed_as_far_as_the_gate_lets_it()
    {
        Assert.That(_folder.Own("rebase -u -f cow -b nbd:elsewhere:1 -F raw BASE").ExitCode, Is.Zero, "nobody looks");
        Assert.That(_folder.Own("info BASE").ExitCode, Is.Zero, "nothing is followed");
        Assert.That(
            _folder.Own("info --backing-chain TOP").Error,
            Does.StartWith($"blockgraph: Image '{_folder.File("base")}' names 'nbd:elsewhere:1' as its backing file: 'nbd:' is not followed out of an image (If you trust it, "),
            "the refusal");
        Assert.That(_folder.Qemu("info --backing-chain TOP").Error, Does.EndWith("Unknown protocol 'nbd'\n"), "as QEMU's program does");
    }

    [Test]
    public void A_map_says_which_image_of_the_chain_has_each_part()
    {
        string Extent(int first, int count, int depth, bool isThere) =>
            $"\"start\": {first * 4096}, \"length\": {count * 4096}, \"depth\": {depth}, \"present\": {(isThere ? "true" : "false")}, \"zero\": {(isThere ? "false" : "true")}, \"data\": {(isThere ? "true" : "false")}";
        string map = _folder.Own("map --output=json TOP").Out;
        Assert.That(map.Split("{ ")[1..].Select(row => row.Split('}')[0].Split(", \"offset\"")[0]), Is.EqualTo(new[]
        {
            Extent(0, 3, 2, true), Extent(3, 2, 1, true), Extent(5, 1, 0, true), Extent(6, 2, 2, false),
        }), "JSON");
        string[] files = [.. _folder.Own("map TOP").OutLines[1..].Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1])];
        Assert.That(files, Is.EqualTo(new[] { _folder.File("base"), _folder.File("middle"), _folder.File("top") }), "the table");
    }

    [Test]
    public void A_conversion_reads_the_whole_chain_and_with_a_backing_file_leaves_out_what_that_has()
    {
        Assert.That(_folder.Own("convert -f cow -O raw TOP FLAT").ExitCode, Is.Zero, "flat");
        Assert.That(_folder.Read("flat", "raw"), Is.EqualTo(new[] { 10, 11, 12, 23, 24, 35, 0, 0 }), "what it reads as");
        ToolRun run = _folder.Own("convert -f cow -O cow -B MIDDLE -F cow TOP SHORT");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), "over the middle");
        Assert.That(_folder.Read("short"), Is.EqualTo(_folder.Read("top")), "it reads as the source");
        Assert.That(_folder.Own("info SHORT").Out, Does.Contain($"backing file: {_folder.File("middle")}\n"), "it has the middle");
        string[] files = [.. _folder.Own("map SHORT").OutLines[1..].Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1])];
        Assert.That(files, Is.EqualTo(new[] { _folder.File("base"), _folder.File("middle"), _folder.File("short") }), "and not what that has");
    }

    [Test]
    public void Chains_are_compared_by_what_they_read_as()
    {
        _folder.Own("convert -f cow -O raw TOP FLAT");
        Assert.That(_folder.Own("compare -f cow -F raw TOP FLAT").Out, Is.EqualTo("Images are identical.\n"), "a chain and a flat image");
        ToolRun run = _folder.Own("compare -f cow -F cow TOP MIDDLE");
        Assert.That((run.ExitCode, run.Out), Is.EqualTo((1, "Content mismatch at offset 20480!\n")), "a chain and a part of it");
    }

    [Test]
    public void A_commit_writes_into_the_backing_image_and_empties_the_overlay()
    {
        ToolRun run = _folder.Own("commit TOP");
        Assert.That((run.ExitCode, run.Out, run.Error), Is.EqualTo((0, "Image committed.\n", "")), "what it says");
        Assert.That(_folder.Read("middle"), Is.EqualTo(new[] { 10, 11, 12, 23, 24, 35, 0, 0 }), "what was under it");
        Assert.That(_folder.Read("top"), Is.EqualTo(_folder.Read("middle")), "it reads as before");
        Assert.That(_folder.Own("map TOP").Out, Does.Not.Contain(_folder.File("top")), "and has nothing any more");
        Assert.That(_folder.Own("check -f cow TOP").Out, Is.EqualTo("No errors were found on the image.\n"), "nor is anything lost in it");
    }

    [TestCase("commit -d TOP", "middle")]
    [TestCase("commit -b MIDDLE TOP", "middle")]
    [TestCase("commit -b BASE TOP", "base")]
    public void A_commit_that_is_to_keep_the_overlay_keeps_it(string line, string target)
    {
        Assert.That(_folder.Qemu(line).ExitCode, Is.Zero, line);
        Assert.That(_folder.Read(target), Is.EqualTo(new[] { 10, 11, 12, 23, 24, 35, 0, 0 }), $"{line}: what was under it");
        Assert.That(_folder.Own("map TOP").Out, Does.Contain(_folder.File("top")), $"{line}: it has what it had");
    }

    [Test]
    public void A_base_that_is_not_in_the_chain_is_refused() =>
        Assert.That(_folder.Own("commit -b NONE TOP").Error, Is.EqualTo($"blockgraph: Did not find '{_folder.File("none")}' in the backing chain of '{_folder.File("top")}'\n"), "the refusal");

    [Test]
    public void A_safe_rebase_changes_nothing_of_what_is_read()
    {
        ToolRun run = _folder.Own("rebase -f cow -b BASE -F cow TOP");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), "past the middle");
        Assert.That(_folder.Read("top"), Is.EqualTo(new[] { 10, 11, 12, 23, 24, 35, 0, 0 }), "what it reads as");
        Assert.That(_folder.Own("map TOP").Out, Does.Not.Contain(_folder.File("middle")), "without the middle");
        Assert.That(_folder.Own("rebase -f cow -b  TOP").ExitCode, Is.Zero, "to stand alone");
        File.Delete(_folder.File("base"));
        Assert.That(_folder.Read("top"), Is.EqualTo(new[] { 10, 11, 12, 23, 24, 35, 0, 0 }), "without any other");
    }

    [Test]
    public void An_unsafe_rebase_changes_the_header_alone()
    {
        Assert.That(_folder.Own("rebase -u -f cow -b BASE -F cow TOP").ExitCode, Is.Zero, "past the middle");
        Assert.That(_folder.Read("top"), Is.EqualTo(new[] { 10, 11, 12, 13, 0, 35, 0, 0 }), "what only the middle had is gone");
        Assert.That(_folder.Own("rebase -u -f cow -b MIDDLE -F cow TOP").ExitCode, Is.Zero, "and back");
        Assert.That(_folder.Read("top"), Is.EqualTo(new[] { 10, 11, 12, 23, 24, 35, 0, 0 }), "it is again what it was");
    }

    [Test]
    public void A_rebase_that_cannot_open_the_new_backing_file_changes_nothing()
    {
        string error = _folder.Own("rebase -f cow -b NONE -F cow TOP").Error;
        Assert.That(error, Does.StartWith($"blockgraph: Could not open new backing file '{_folder.File("none")}': ").And.Contain("No such file or directory"), "the refusal");
        Assert.That(_folder.Read("top"), Is.EqualTo(new[] { 10, 11, 12, 23, 24, 35, 0, 0 }), "what it reads as");
    }
}
