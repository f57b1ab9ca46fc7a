using System.Diagnostics;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>Files that the user may not read, write or make: by the name qemu-img each command says so as the installed program does, by the own name in one line, and nothing is changed.</summary>
[TestFixture]
public sealed class ImgPermissionTests
{
    private const int Nobody = 65534;
    private TemporaryFolder _folder = null!;
    private string _link = "";

    // SECRET may not be read, FIXED not be written, and nothing made in the folder.
    [SetUp]
    public void MakeFolder()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("the permissions of files are those of Linux");
            return;
        }

        _folder = new TemporaryFolder();
        _link = _folder.File("qemu-img");
        File.CreateSymbolicLink(_link, BuiltProgram.Path);
        File.SetUnixFileMode(_folder.Image("secret.img", 1 << 20), UnixFileMode.None);
        File.SetUnixFileMode(_folder.Image("fixed.img", 1 << 20), UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        File.SetUnixFileMode(
            _folder.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
    }

    [TearDown]
    public void RemoveFolder()
    {
        if (_folder is not null && OperatingSystem.IsLinux())
        {
            File.SetUnixFileMode(_folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            _folder.Dispose();
        }
    }

    [TestCase("info SECRET", "secret.img")]
    [TestCase("map -f raw SECRET", "secret.img")]
    [TestCase("check -f raw SECRET", "secret.img")]
    [TestCase("measure -f raw SECRET", "secret.img")]
    [TestCase("compare -f raw -F raw FIXED SECRET", "secret.img")]
    [TestCase("convert -f raw -O raw SECRET NEW", "secret.img")]
    [TestCase("convert -f raw -O raw FIXED NEW", "new.img")]
    [TestCase("convert -n -f raw -O raw FIXED SECRET", "secret.img")]
    [TestCase("convert -f raw -O raw FIXED SECRET", "secret.img")]
    [TestCase("create -q -f raw NEW 1M", "new.img")]
    [TestCase("create -q -f raw SECRET 1M", "secret.img")]
    [TestCase("create -q -f raw FIXED 1M", "fixed.img")]
    [TestCase("dd -f raw if=SECRET of=NEW", "secret.img")]
    [TestCase("dd -f raw if=FIXED of=NEW", "new.img")]
    [TestCase("resize -f raw FIXED 5M", "fixed.img")]
    [TestCase("snapshot -c x FIXED", "fixed.img")]
    [TestCase("snapshot -l SECRET", "secret.img")]
    [TestCase("rebase -f raw -u -b SECRET -F raw FIXED", "fixed.img")]
    [TestCase("commit -f raw FIXED", "fixed.img")]
    [TestCase("bench -f raw -c 1 SECRET", "secret.img")]
    [TestCase("bench -f raw -w -c 1 FIXED", "fixed.img")]
    [TestCase("amend -f raw -o size=3 FIXED", "fixed.img")]
    [TestCase("bitmap -f raw --add FIXED b", "fixed.img")]
    public void What_may_not_be_done_is_told_with_the_name_of_the_file(string line, string named)
    {
        string[] arguments = [.. line.Split(' ').Select(Expand)];
        ToolRun theirs = RunAsNobody("/usr/bin/qemu-img", "qemu-img", arguments);
        Assert.That(RunAsNobody(_link, "qemu-img", arguments), Is.EqualTo(theirs), $"{line}: as the installed program does it");
        ToolRun own = RunAsNobody(BuiltProgram.Path, "blockgraph", ["img", .. arguments]);
        Assert.That(own.Error, Does.Match("^blockgraph: [^\n]+\n$").And.Contain($"'{_folder.File(named)}'").And.Contain("Permission denied"), $"{line}: one line with the file's name");
        Assert.That((own.Out, own.ExitCode), Is.EqualTo(("", theirs.ExitCode)), $"{line}: nothing was begun");
        Assert.That(Directory.GetFiles(_folder.Path), Has.Length.EqualTo(3), $"{line}: nothing was made");
        Assert.That(Directory.GetFiles(_folder.Path, "*.img").Select(file => new FileInfo(file).Length), Has.All.EqualTo(1 << 20), $"{line}: nothing was changed");
    }

    // Root may do everything; so somebody else is asked who may do nothing.
    private static ToolRun RunAsNobody(string path, string name, string[] arguments)
    {
        if (!File.Exists(path))
        {
            Assert.Ignore($"missing program: {name}");
        }

        string[] command = Environment.UserName == "root" ? ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", path, .. arguments] : [path, .. arguments];
        ProcessStartInfo start = new(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (errors.Result.StartsWith("setpriv:", StringComparison.Ordinal) || errors.Result.Contains("hostfxr", StringComparison.Ordinal))
        {
            Assert.Ignore($"another user cannot run the program here: {errors.Result.Split('\n')[0]}");
        }

        return new ToolRun(process.ExitCode, output, errors.Result);
    }

    private string Expand(string word) =>
        new[] { "SECRET", "FIXED", "NEW" }.Aggregate(word, (text, name) => text.Replace(name, _folder.File(name.ToLowerInvariant() + ".img"), StringComparison.Ordinal));
}
