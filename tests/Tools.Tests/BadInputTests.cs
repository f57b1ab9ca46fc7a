namespace BlockGraph.Tools.Tests;

/// <summary>What a user may get wrong: one line on standard error, exit code 1, nothing created, nothing left open.</summary>
[TestFixture]
public class BadInputTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder()
    {
        _folder = new TemporaryFolder();
        _folder.Image("t.img", 1 << 20);
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [TestCase("driver=nul-co", "Unknown driver 'nul-co' (did you mean 'null-co'?)")]
    [TestCase("driver=null-co,sise=5", "Block protocol 'null-co' doesn't support the option 'sise' (did you mean 'size'?)")]
    [TestCase("driver=throttle,file.filename=DIR/t.img,limits.iops-totl=5", "Block format 'throttle' does not support the option 'limits.iops-totl' (did you mean 'limits.iops-total'?)")]
    [TestCase("driver=throttle,file.filename=DIR/t.img,limits.iops-total=abc", "Parameter 'limits.iops-total' expects a number")]
    [TestCase("driver=throttle,file.filename=DIR/t.img,limits.iops-total=5,limits.iops-read=5", "bps/iops/max total values and read/write values cannot be used at the same time")]
    [TestCase("DIR/missing", "Could not open 'DIR/missing': No such file or directory")]
    [TestCase("driver=raw,file.filename=DIR/t.img,offset=2M", "Offset (2097152) cannot be greater than size of the containing file (1048576)")]
    [TestCase("driver=raw,node-name=a,file.node-name=a,file.filename=DIR/t.img", "Duplicate nodes with node-name='a'")]
    [TestCase("driver=raw,node-name=a,file=a", "Cannot find device='a' nor node-name='a'")]
    [TestCase("{", "JSON parse error, premature EOI")]
    [TestCase("nbd://host", "Unknown protocol 'nbd'")]
    public void A_graph_that_cannot_be_opened_is_one_line(string options, string error)
    {
        foreach (string command in new[] { "graph", "bench", "io" })
        {
            ToolRun run = ToolRun.Own(command, options.Replace("DIR", _folder.Path, StringComparison.Ordinal));
            Assert.That(run.Error, Is.EqualTo($"blockgraph: {error.Replace("DIR", _folder.Path, StringComparison.Ordinal)}\n"), command);
            Assert.That(run.Out, Is.Empty, command);
            Assert.That(run.ExitCode, Is.EqualTo(1), command);
        }

        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Has.Length.EqualTo(1), "nothing was created");
    }

    [TestCase("--trace-slow", "x")]
    [TestCase("--trace-slow", "0")]
    [TestCase("--seconds", "-1")]
    [TestCase("--threads", "2")]
    public void A_load_that_is_refused_makes_no_image(string option, string value)
    {
        ToolRun run = ToolRun.Own("bench", $"driver=file,filename={_folder.Path}/new.img", "--create", "1M", "--count", "1", option, value);
        Assert.That(run.Error, Does.StartWith("blockgraph: ").And.Contain(option), "the refusal names the option");
        Assert.That(run.ExitCode, Is.EqualTo(1), "and is one");
        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Has.Length.EqualTo(1), "nothing was created");
    }

    [Test]
    public void A_directory_is_no_image()
    {
        foreach (string command in new[] { "graph", "bench", "io" })
        {
            ToolRun run = ToolRun.Own(command, _folder.Path);
            Assert.That(run.Error, Does.Match($"^blockgraph: [^\n]*'{_folder.Path}'[^\n]*\n$"), command);
            Assert.That(run.ExitCode, Is.EqualTo(1), command);
        }
    }

    [Test]
    public void A_hint_stands_in_parentheses_on_the_same_line()
    {
        ToolRun run = ToolRun.Own("graph", "driver=null-co,size=x");
        Assert.That(run.Error, Does.Match(@"^blockgraph: Parameter 'size' expects a non-negative number below 2\^64 \(Optional suffix .*respectively\)\n$"));
    }

    [Test]
    public void By_the_name_of_qemu_io_a_hint_is_a_line_of_its_own()
    {
        ToolRun run = ToolRun.By("qemu-io", "", "--image-opts", "driver=null-co,size=x");
        Assert.That(run.Error, Does.StartWith("qemu-io: can't open: Parameter 'size' expects a non-negative number below 2^64\nOptional suffix"));
    }

    [Test]
    public void Reading_past_the_end_fails_in_one_line()
    {
        ToolRun run = ToolRun.Io($"driver=raw,file.filename={_folder.File("t.img")}", "read 2M 4k");
        Assert.That(run.Out, Is.EqualTo("read failed: Input/output error\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }
}
