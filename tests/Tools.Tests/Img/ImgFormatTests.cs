using BlockGraph.TestKit.Cow;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>The commands that a format must support, with the test kit's format, which does: snapshots, bitmaps, checks, other properties.</summary>
[TestFixture]
public sealed class ImgFormatTests
{
    private ChainFolder _folder = null!;

    [SetUp]
    public void MakeImage()
    {
        _folder = new ChainFolder();
        _folder.Make("image", "create -q -f cow IMAGE 16k", 10, 0, 1);
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void A_snapshot_is_listed_applied_and_deleted()
    {
        Assert.That(_folder.Qemu("snapshot -c first IMAGE"), Is.EqualTo(new ToolRun(0, "", "")), "made");
        _folder.Use($"driver=cow,file.driver=file,file.filename={_folder.File("image")}", async backend => await backend.WriteAsync(0, new byte[3 * ChainFolder.Cluster]));
        _folder.Qemu("snapshot -c second IMAGE");
        string[] rows = _folder.Qemu("snapshot -l IMAGE").OutLines;
        Assert.That(rows[..2], Is.EqualTo(new[] { "Snapshot list:", "ID        TAG               VM SIZE                DATE     VM CLOCK     ICOUNT" }), "the head of the list");
        Assert.That(rows[2..].Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries)[..2]), Is.EqualTo(new[] { new[] { "1", "first" }, ["2", "second"] }), "the list");
        Assert.That(_folder.Own("info IMAGE").Out, Does.Contain("Snapshot list:\n").And.Contain("second"), "which info shows, too");
        Assert.That(_folder.Read("image"), Is.EqualTo(new[] { 0, 0, 0, 0 }), "what it is now");
        Assert.That(_folder.Qemu("snapshot -a first IMAGE").ExitCode, Is.Zero, "applied by name");
        Assert.That(_folder.Read("image"), Is.EqualTo(new[] { 10, 11, 0, 0 }), "what it was then");
        Assert.That(_folder.Own("snapshot -a 2 IMAGE").ExitCode, Is.Zero, "applied by id");
        Assert.That(_folder.Read("image"), Is.EqualTo(new[] { 0, 0, 0, 0 }), "what it was later");
        Assert.That(_folder.Own("snapshot -d first IMAGE").ExitCode, Is.Zero, "deleted");
        Assert.That(_folder.Qemu("snapshot -d first IMAGE"), Is.EqualTo(new ToolRun(1, "", "qemu-img: Could not delete snapshot 'first': snapshot not found\n")), "and gone");
        Assert.That(_folder.Qemu("snapshot -a first IMAGE").Error, Does.StartWith("qemu-img: Could not apply snapshot 'first': "), "whoever asks");
    }

    [Test]
    public void Bitmaps_are_changed_one_action_after_the_other()
    {
        Assert.That(_folder.Qemu("bitmap --add -g 64k --disable --clear --enable IMAGE a"), Is.EqualTo(new ToolRun(0, "", "")), "four actions");
        Assert.That(_folder.Qemu("bitmap --add -g 128k IMAGE b").ExitCode, Is.Zero, "another");
        Assert.That(_folder.Qemu("bitmap --add IMAGE a").Error, Is.EqualTo("qemu-img: Operation add on bitmap a failed: Bitmap already exists: a\n"), "twice");
        Assert.That(_folder.Qemu("bitmap --merge a IMAGE b"), Is.EqualTo(new ToolRun(0, "", "")), "of different granularity");
        Assert.That(_folder.Qemu("bitmap --remove --add --merge a IMAGE b").ExitCode, Is.Zero, "made anew");
        Assert.That(_folder.Qemu("bitmap --merge none IMAGE b").Error, Is.EqualTo("qemu-img: Operation merge on bitmap b failed: Dirty bitmap 'none' not found\n"), "from nowhere");
        Assert.That(_folder.Qemu("bitmap --remove --clear IMAGE b").Error, Is.EqualTo("qemu-img: Operation clear on bitmap b failed: Dirty bitmap 'b' not found\n"), "after its end");
    }

    [Test]
    public void A_bitmap_of_another_image_is_merged()
    {
        _folder.Make("other", "create -q -f cow OTHER 16k", 10);
        _folder.Qemu("bitmap --add OTHER theirs");
        Assert.That(_folder.Qemu("bitmap --add --merge theirs -b OTHER -F cow IMAGE ours"), Is.EqualTo(new ToolRun(0, "", "")), "merged");
        Assert.That(_folder.Qemu("bitmap --merge ours -b OTHER -F cow IMAGE ours").ExitCode, Is.EqualTo(1), "which has not ours");
    }

    [Test]
    public void A_property_is_changed()
    {
        Assert.That(_folder.Own("amend -f cow -o help IMAGE").Out, Does.Contain("Amend options for 'cow':\n").And.Contain("size=<size>"), "what can be");
        Assert.That(_folder.Own("amend -o size=32k IMAGE"), Is.EqualTo(new ToolRun(0, "", "")), "longer");
        Assert.That(_folder.Read("image"), Has.Length.EqualTo(8), "it is");
        Assert.That(_folder.Own("amend -o size=4k IMAGE").Error, Is.EqualTo("blockgraph: Shrinking images is currently not supported\n"), "shorter");
        Assert.That(_folder.Own("amend -o sise=4k IMAGE").Error, Is.EqualTo("blockgraph: Invalid parameter 'sise' (did you mean 'size'?)\n"), "misspelt");
    }

    [Test]
    public void Leaks_are_found_and_mended()
    {
        using (FileStream file = new(_folder.File("image"), FileMode.Append))
        {
            file.Write(new byte[2 * ChainFolder.Cluster]);
        }

        Assert.That(_folder.Qemu("check -f cow IMAGE"), Is.EqualTo(new ToolRun(3, "\n2 leaked clusters were found on the image.\nThis means waste of disk space, but no harm to data.\n", "")), "found");
        Assert.That(_folder.Qemu("check -f cow --output=json IMAGE").Json().GetProperty("leaks").GetInt32(), Is.EqualTo(2), "in JSON");
        Assert.That(
            _folder.Qemu("check -r leaks IMAGE"),
            Is.EqualTo(new ToolRun(0, "The following inconsistencies were found and repaired:\n\n    2 leaked clusters\n    0 corruptions\n\nDouble checking the fixed image now...\nNo errors were found on the image.\n", "")),
            "mended");
        Assert.That(_folder.Qemu("check IMAGE"), Is.EqualTo(new ToolRun(0, "No errors were found on the image.\n", "")), "and gone");
        Assert.That(_folder.Read("image"), Is.EqualTo(new[] { 10, 11, 0, 0 }), "it reads as before");
    }

    [Test]
    public void A_corruption_is_found_and_mended()
    {
        // The entry of the first cluster leads behind the end of the file.
        using (FileStream file = new(_folder.File("image"), FileMode.Open))
        {
            file.Position = 4096;
            file.Write([0, 0, 0, 0, 0x7f, 0, 0, 0]);
        }

        ToolRun found = _folder.Qemu("check -f cow IMAGE");
        Assert.That((found.ExitCode, found.Out), Is.EqualTo((2, "\n1 errors were found on the image.\nData may be corrupted, or further writes to the image may corrupt it.\n\n1 leaked clusters were found on the image.\nThis means waste of disk space, but no harm to data.\n")), "found");
        Assert.That(_folder.Qemu("check -r all IMAGE").ExitCode, Is.Zero, "mended");
        Assert.That(_folder.Read("image"), Is.EqualTo(new[] { 0, 11, 0, 0 }), "what is left");
    }

    [Test]
    public void An_image_of_another_version_is_refused_by_name()
    {
        File.WriteAllBytes(_folder.File("image"), [.. CowImage.Format(16 << 10)[..8], 0, 0, 0, 99, .. new byte[8180]]);
        ToolRun run = _folder.Own("info IMAGE");
        Assert.That(run.Error, Does.Match("^blockgraph: [^\n]+\n$"), "one line");
        Assert.That(run.ExitCode, Is.EqualTo(1), "exit code");
    }
}
