using BlockGraph.BlockCore.Errors;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Tests;

[TestFixture]
public class LinkInstallerTests
{
    private static readonly string[] s_names = ["qemu-img", "qemu-io", "qemu-nbd", "qemu-storage-daemon"];
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void Links_of_all_names_lead_to_the_program()
    {
        string target = _folder.Image("program", 1);
        LinkInstaller.Install(_folder.Path, target);
        foreach (string name in s_names)
        {
            Assert.That(new FileInfo(_folder.File(name)).LinkTarget, Is.EqualTo(target), name);
        }
    }

    [Test]
    public void Installing_again_changes_nothing()
    {
        string target = _folder.Image("program", 1);
        Assert.That(LinkInstaller.Install(_folder.Path, target), Has.Count.EqualTo(4));
        Assert.That(LinkInstaller.Install(_folder.Path, target), Is.Empty, "all are there");
    }

    [Test]
    public void A_missing_link_is_added_to_those_that_are_there()
    {
        string target = _folder.Image("program", 1);
        LinkInstaller.Install(_folder.Path, target);
        File.Delete(_folder.File("qemu-nbd"));
        Assert.That(LinkInstaller.Install(_folder.Path, target), Is.EqualTo(new[] { _folder.File("qemu-nbd") }));
    }

    [Test]
    public void A_foreign_file_is_refused_and_no_link_made()
    {
        _folder.Image("qemu-nbd", 5);
        BlockException failure = Assert.Throws<BlockException>(() => LinkInstaller.Install(_folder.Path, "/program"))!;
        Assert.That(failure.Message, Is.EqualTo($"'{_folder.File("qemu-nbd")}' is there already and is no link to this program"));
        Assert.That(File.Exists(_folder.File("qemu-io")), Is.False);
        Assert.That(new FileInfo(_folder.File("qemu-nbd")).Length, Is.EqualTo(5), "it is as it was");
    }

    [Test]
    public void A_link_to_another_program_is_refused_even_where_that_is_gone()
    {
        File.CreateSymbolicLink(_folder.File("qemu-io"), "/nowhere/qemu-io");
        Assert.Throws<BlockException>(() => LinkInstaller.Install(_folder.Path, "/program"));
        Assert.That(new FileInfo(_folder.File("qemu-io")).LinkTarget, Is.EqualTo("/nowhere/qemu-io"));
    }

    [Test]
    public void The_command_prints_what_it_made()
    {
        ToolRun run = ToolRun.Own("install-links", _folder.Path);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.OutLines, Has.Length.EqualTo(4));
        Assert.That(run.OutLines[0], Does.StartWith(_folder.File("qemu-io") + " -> "));
    }

    [Test]
    public void A_directory_that_is_not_there_is_an_error()
    {
        ToolRun run = ToolRun.Own("install-links", _folder.File("missing"));
        Assert.That(run.Error, Is.EqualTo($"blockgraph: There is no directory '{_folder.File("missing")}' to put links in\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }
}
