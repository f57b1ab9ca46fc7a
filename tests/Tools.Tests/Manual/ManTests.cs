using System.Diagnostics;
using BlockGraph.Tools.Img;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Tests.Manual;

/// <summary>Man pages: every command has one, each option stands in it, and groff finds nothing to warn of.</summary>
[TestFixture]
public class ManTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void Every_image_command_has_a_page_with_each_of_its_options()
    {
        foreach (ImgVerb verb in ImgVerbs.CreateAll())
        {
            string page = ToolRun.Own("man", "img", verb.Name).Out.Replace("\\-", "-", StringComparison.Ordinal);
            Assert.That(page, Does.Contain($"blockgraph-img-{verb.Name} - {verb.Summary.TrimEnd('.')}"), "The page must begin with what the command does.");
            foreach (ImgOption option in verb.Options)
            {
                Assert.That(page, Does.Contain($"\\fB--{option.Name}\\fR"), $"img {verb.Name}: --{option.Name} must be on the page.");
                Assert.That(option.Letter == '\0' || page.Contains($"\\fB-{option.Letter}\\fR, ", StringComparison.Ordinal), Is.True, $"img {verb.Name}: -{option.Letter} must be on the page.");
            }
        }
    }

    [Test]
    public void The_page_of_io_has_each_command_and_switch()
    {
        string page = ToolRun.Own("man", "io").Out.Replace("\\-", "-", StringComparison.Ordinal);
        foreach (IoCommand command in IoCommandTable.All)
        {
            Assert.That(page, Does.Contain($"\\fB{$"{command.Name} {command.Usage}".TrimEnd()}\\fR\n"), $"{command.Name} must be on the page.");
            foreach (IoSwitch known in command.Switches)
            {
                Assert.That(page, Does.Contain(known.Meaning), $"{command.Name} -{known.Letter} must be on the page.");
            }
        }
    }

    [Test]
    public void All_pages_are_written_where_they_are_wanted()
    {
        ToolRun run = ToolRun.Own("man", "--dir", _folder.Path);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        string[] names = [.. Directory.GetFiles(_folder.Path).Select(path => Path.GetFileName(path))];
        Assert.That(names, Is.SupersetOf(new[] { "blockgraph.1", "blockgraph-img.1", "blockgraph-img-create.1", "blockgraph-io.1", "blockgraph-throttle-explain.1", "blockgraph-man.1" }));
        Assert.That(run.OutLines, Is.EquivalentTo(names.Select(name => _folder.File(name))), "What was written must be told.");
    }

    [TestCase("there is no command 'blockgraph img creat' (did you mean 'create'?)", "man", "img", "creat")]
    [TestCase("There is no directory '/nowhere/x' to put man pages in", "man", "--dir", "/nowhere/x")]
    [TestCase("--dir writes every page: it goes with no COMMAND", "man", "img", "--dir", "/")]
    public void What_is_asked_for_wrongly_is_refused(string text, params string[] arguments)
    {
        ToolRun run = ToolRun.Own(arguments);
        Assert.That(run.Error, Is.EqualTo($"blockgraph: {text}\n"), "The refusal must say what is wrong.");
        Assert.That(run.ExitCode, Is.EqualTo(1), "It must be a failure.");
    }

    [Test]
    public void The_formatter_has_nothing_to_warn_of()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/groff"))
        {
            Assert.Ignore("missing program: groff");
        }

        ToolRun.Own("man", "--dir", _folder.Path);
        foreach (string path in Directory.GetFiles(_folder.Path))
        {
            ProcessStartInfo start = new("groff", ["-man", "-Tutf8", "-ww", "-z", path]) { RedirectStandardError = true, RedirectStandardOutput = true };
            using Process process = Process.Start(start)!;
            Assert.That(process.StandardError.ReadToEnd() + process.StandardOutput.ReadToEnd(), Is.Empty, $"{Path.GetFileName(path)} must be right.");
            process.WaitForExit();
        }
    }
}
