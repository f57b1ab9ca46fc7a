namespace BlockGraph.Tools.Tests.Img;

/// <summary>What the image commands refuse by the program's own name: one line that names what is at fault and what to do, and nothing is changed.</summary>
[TestFixture]
public sealed class ImgRefusalTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [TestCase("SIZE '10X' is none (a number up to 9223372036854775807, with k, M, G, T, P or E for powers of 1024)", "create", "NEW", "10X")]
    [TestCase("SIZE '-1' is none (a number up to 9223372036854775807, with k, M, G, T, P or E for powers of 1024)", "create", "NEW", "--", "-1")]
    [TestCase("NEW: Image creation needs a size parameter (give it behind the file name, as in 10G)", "create", "NEW")]
    [TestCase("NEW: Unknown file format 'rwa' (did you mean 'raw'?)", "create", "-f", "rwa", "NEW", "1M")]
    [TestCase("NEW: Invalid parameter 'prealocation' (did you mean 'preallocation'?)", "create", "-o", "prealocation=full", "NEW", "1M")]
    [TestCase("NEW: Backing file not supported for file format 'raw'", "create", "-b", "OLD", "NEW", "1M")]
    [TestCase("OLD: 512 KiB is less than it has, 1 MiB (what lies behind the new end would be lost; say --shrink if it may)", "resize", "-f", "raw", "OLD", "512k")]
    [TestCase("New image size must be positive", "resize", "-f", "raw", "--shrink", "OLD", "-2M")]
    [TestCase("Invalid preallocation mode 'ful'", "resize", "-f", "raw", "--preallocation=ful", "OLD", "2M")]
    [TestCase("OLD: format 'raw' has nothing to check", "check", "-f", "raw", "OLD")]
    [TestCase("--output must be used with human or json as argument.", "info", "--output=xml", "OLD")]
    [TestCase("--image-opts and --format are mutually exclusive", "info", "--image-opts", "-f", "raw", "OLD")]
    [TestCase("Invalid cache option: often", "commit", "-f", "raw", "-t", "often", "OLD")]
    [TestCase("Invalid source cache option: often", "compare", "-T", "often", "OLD", "OLD")]
    public void What_is_wrong_is_named_and_nothing_is_changed(string message, params string[] arguments)
    {
        string old = _folder.Image("old.img", 1 << 20);
        string @new = _folder.File("new.img");
        string Filled(string text) => text.Replace("OLD", old, StringComparison.Ordinal).Replace("NEW", @new, StringComparison.Ordinal);
        ToolRun run = ToolRun.Own(["img", .. arguments.Select(Filled)]);
        Assert.That(run.Error, Is.EqualTo($"blockgraph: {Filled(message)}\n"), "one line");
        Assert.That(run.ExitCode, Is.Not.Zero, "exit code");
        Assert.That(run.Out, Is.Empty, "nothing was begun");
        Assert.That(new FileInfo(old).Length, Is.EqualTo(1 << 20), "what was there is as it was");
        Assert.That(File.Exists(@new), Is.False, "nothing new is there");
    }

    [TestCase("/proc/blockgraph-test.img", "/proc/blockgraph-test.img: Could not create '/proc/blockgraph-test.img'")]
    [TestCase("FOLDER/none/new.img", "FOLDER/none/new.img: Could not create 'FOLDER/none/new.img': No such file or directory")]
    [TestCase("FOLDER", "FOLDER: Could not create 'FOLDER': Is a directory")]
    public void Where_no_file_can_be_made_that_is_told_by_name(string fileName, string message)
    {
        string folder = Path.GetDirectoryName(_folder.File("x"))!;
        ToolRun run = ToolRun.Own("img", "create", fileName.Replace("FOLDER", folder, StringComparison.Ordinal), "1M");
        Assert.That(run.Error, Does.StartWith($"blockgraph: {message.Replace("FOLDER", folder, StringComparison.Ordinal)}"));
        Assert.That(run.ExitCode, Is.EqualTo(1), "exit code");
    }
}
