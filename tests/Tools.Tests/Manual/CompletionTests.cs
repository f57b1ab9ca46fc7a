using System.Diagnostics;
using BlockGraph.Tools.Img;

namespace BlockGraph.Tools.Tests.Manual;

/// <summary>Completion: what bash itself offers with the script, and that the other shells' scripts have every word.</summary>
[TestFixture]
public class CompletionTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    // The last word of each line is being typed.
    [TestCase("blockgraph com", "completion")]
    [TestCase("blockgraph img comp", "compare")]
    [TestCase("blockgraph throttle ", "explain simulate")]
    [TestCase("blockgraph completion ", "bash fish zsh")]
    [TestCase("blockgraph img create --prea", "")]
    [TestCase("blockgraph img resize --prea", "--preallocation")]
    [TestCase("blockgraph img resize --preallocation f", "falloc full")]
    [TestCase("blockgraph img resize --preallocation = fa", "falloc")]
    [TestCase("blockgraph img resize --preallocation =", "off metadata falloc full")]
    [TestCase("blockgraph img info --output = ", "human json")]
    [TestCase("blockgraph img info -f ra", "raw")]
    [TestCase("blockgraph img check -r ", "leaks all")]
    [TestCase("blockgraph img info di", "disk.img")]
    [TestCase("blockgraph io -c trun", "truncate")]
    [TestCase("blockgraph bench --mix rand", "randread randwrite")]
    [TestCase("/usr/bin/qemu-img inf", "info")]
    [TestCase("qemu-img convert -T wri", "writeback writethrough")]
    [TestCase("qemu-img convert --out", "")]
    [TestCase("qemu-img resize -f raw di", "disk.img")]
    [TestCase("qemu-io --read", "--read-only")]
    [TestCase("qemu-io -t uns", "unsafe")]
    public void Bash_offers_what_can_be_meant(string typed, string offered)
    {
        if (!IotestsRun.IsPossible(out string reason))
        {
            Assert.Ignore(reason);
        }

        File.WriteAllText(_folder.File("disk.img"), "");
        File.WriteAllText(_folder.File("completion"), ToolRun.Own("completion", "bash").Out);
        string[] words = typed.Split(' ');
        ProcessStartInfo start = new(
            "bash",
            [
                "--norc", "-c",
                """source completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _blockgraph "$1" "${@: -1}" "${@: -2:1}"; printf '%s\n' "${COMPREPLY[@]}" """,
                "bash", .. words,
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.Path,
        };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        Assert.That(process.StandardError.ReadToEnd(), Is.Empty, "The script must have no fault.");
        Assert.That(output.Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(offered.Split(' ', StringSplitOptions.RemoveEmptyEntries)), typed);
    }

    [TestCase("bash")]
    [TestCase("zsh")]
    [TestCase("fish")]
    public void Every_option_of_every_image_command_is_there(string shell)
    {
        string script = ToolRun.Own("completion", shell).Out;
        foreach (ImgVerb verb in ImgVerbs.CreateAll())
        {
            Assert.That(script, Does.Contain($"blockgraph img {verb.Name}").And.Contain($"qemu-img {verb.Name}"), "Both names must have the command.");
            foreach (ImgOption option in verb.Options)
            {
                Assert.That(script, Does.Contain(shell == "fish" ? $" -l {option.Name} " : $"--{option.Name}"), $"{shell}: img {verb.Name} --{option.Name}");
            }
        }
    }

    [Test]
    public void Another_shell_is_refused()
    {
        ToolRun run = ToolRun.Own("completion", "csh");
        Assert.That(run.Error, Does.Contain("'csh'"), "The refusal must name the shell.");
        Assert.That(run.ExitCode, Is.EqualTo(1), "It must be a failure.");
    }
}
