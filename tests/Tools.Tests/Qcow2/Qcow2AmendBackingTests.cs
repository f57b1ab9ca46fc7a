namespace BlockGraph.Tools.Tests.Qcow2;

/// <summary><c>img amend -o backing_file=…</c>: what the image says of its backing file changes, and QEMU's programs see it.</summary>
[TestFixture]
public sealed class Qcow2AmendBackingTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeImages()
    {
        _folder = new TemporaryFolder();
        Done("img create -q -f raw OLD 1M");
        Done("img create -q -f qcow2 NEW 2M");
        Done("io -c write_-P_7_0_2M NEW");
        Done("img create -q -f qcow2 -b OLD -F raw TOP 1M");
        Done("io -c write_-P_1_0_64k TOP");
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [TestCase("compat=1.1")]
    [TestCase("compat=0.10")]
    [TestCase("size=4M")]
    [TestCase("refcount_bits=64,lazy_refcounts=on")]
    public void The_installed_program_sees_the_new_one_and_finds_nothing_wrong(string others)
    {
        Done($"img amend -o backing_file=new,backing_fmt=qcow2,{others} TOP");
        Assert.That(Installed("info TOP"), Does.Contain($"backing file: new (actual path: {_folder.File("new")})\nbacking file format: qcow2\n"), "what it says of the image");
        Assert.That(Installed("check TOP"), Does.StartWith("No errors were found on the image.\n"), "its check");
        Done("img convert -O raw TOP OUT");
        Assert.That(Installed("compare -f qcow2 -F raw TOP OUT"), Is.EqualTo("Images are identical.\n"), "what shows through");
        Assert.That(File.ReadAllBytes(_folder.File("out"))[(1 << 20) - 1], Is.EqualTo(7), "the last byte of the new backing image that shows");
    }

    [Test]
    public void None_takes_its_place_and_one_that_is_gone_is_no_obstacle()
    {
        File.Delete(_folder.File("old"));
        Done("img amend -o backing_file= TOP");
        Assert.That(Installed("info TOP"), Does.Not.Contain("backing"), "what the installed program says");
        Assert.That(Installed("check TOP"), Does.StartWith("No errors were found on the image.\n"), "its check");
    }

    [TestCase("backing_file=none", "backing_file: Could not open 'HERE/none': No such file or directory")]
    [TestCase("backing_file=new,backing_fmt=qcow", "backing_fmt: Unknown driver 'qcow' (did you mean 'qcow2'?)")]
    [TestCase("backing_file=old,backing_fmt=qcow2", "backing_file: Image is not in qcow2 format")]
    [TestCase("backing_file=top,backing_fmt=qcow2", "backing_file: Image 'HERE/top': Backing file 'HERE/top' creates an infinite loop.")]
    [TestCase("backing_file=over,backing_fmt=qcow2", "backing_file: Could not open backing file: Image 'HERE/over': Backing file 'HERE/top' creates an infinite loop.")]
    [TestCase("backing_file=link,backing_fmt=qcow2", "backing_file: Image 'HERE/top': Backing file 'HERE/link' creates an infinite loop.")]
    public void What_cannot_be_is_refused_and_changes_nothing(string options, string refusal)
    {
        Done("img create -q -f qcow2 -b TOP -F qcow2 HERE/over");
        File.CreateSymbolicLink(_folder.File("link"), "top");
        byte[] before = File.ReadAllBytes(_folder.File("top"));
        ToolRun run = Run($"img amend -o {options},lazy_refcounts=on TOP");
        Assert.That((run.ExitCode, run.Out, run.Error), Is.EqualTo((1, "", $"blockgraph: {refusal.Replace("HERE", _folder.Path, StringComparison.Ordinal)}\n")), "the refusal");
        Assert.That(File.ReadAllBytes(_folder.File("top")), Is.EqualTo(before), "the image");
    }

    [Test]
    public void By_the_well_known_name_it_is_refused_in_the_installed_programs_words()
    {
        foreach (string options in new[] { "backing_file=new,backing_fmt=qcow2", "backing_file=", "backing_fmt=qcow2" })
        {
            string[] arguments = ["amend", "-o", options, _folder.File("top")];
            ToolRun installed = InstalledProgram.Run("qemu-img", "", arguments);
            Assert.That(installed.Error, Does.Contain("Cannot amend the backing file"), "the installed program's");
            Assert.That(ToolRun.By("qemu-img", "", arguments), Is.EqualTo(installed), options);
        }

        Assert.That(ToolRun.By("qemu-img", "", "amend", "--help").Out, Does.Not.Contain("rebase -u"), "its help does not speak of what it cannot do");
        Assert.That(Run("img amend --help").Out, Does.Contain("backing_file=FILENAME").And.Contain("'rebase -u'"), "ours does");
    }

    private void Done(string line) => Assert.That(Run(line), Has.Property(nameof(ToolRun.ExitCode)).Zero, line);

    private ToolRun Run(string line) => ToolRun.Own(Words(line));

    private string Installed(string line)
    {
        ToolRun run = InstalledProgram.Run("qemu-img", "", Words(line));
        Assert.That(run.ExitCode, Is.Zero, $"{line}: {run.Error}");
        return run.Out;
    }

    private string[] Words(string line) =>
    [
        .. line.Split(' ').Select(word => word is "OLD" or "NEW" or "TOP" or "OUT" ? _folder.File(word.ToLowerInvariant()) : word.Replace("HERE", _folder.Path, StringComparison.Ordinal).Replace('_', word.StartsWith("write", StringComparison.Ordinal) ? ' ' : '_')),
    ];
}
