using System.Diagnostics;

namespace BlockGraph.Tools.Tests.Manual;

/// <summary>What zsh and fish themselves offer with their scripts; <see cref="CompletionTests"/> asks bash.</summary>
[TestFixture]
public class ShellCompletionTests
{
    // A shell at a terminal, where the tabulator is pressed once; what it would offer goes into a file.
    private const string ZshTyped =
        """
        zmodload zsh/zpty
        zpty shell TERM=dumb zsh -f -i
        zpty -w shell 'source ./inside'
        zpty -r shell seen '*ready'
        zpty -w -n shell "$1"$'\t'
        while zpty -r shell seen; do :; done
        """;

    private const string ZshInside =
        """
        autoload -Uz compinit
        compinit -u -D
        source ./completion
        compadd() {
            if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
                builtin compadd "$@"
                return
            fi
            local -a found
            builtin compadd -A found "$@"
            print -rl -- $found >> offered
        }
        finish() { exit }
        comppostfuncs=(finish)
        PROMPT=ready
        bindkey '^I' complete-word
        """;

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    // The last word of each line is being typed.
    [Test]
    public void The_shell_offers_what_can_be_meant(
        [Values("zsh", "fish")] string shell,
        [Values(
            "blockgraph com:completion",
            "blockgraph img comp:compare",
            "blockgraph throttle :explain simulate",
            "blockgraph completion :bash fish zsh",
            "blockgraph img create --prea:",
            "blockgraph img resize --prea:--preallocation",
            "blockgraph img resize --preallocation f:falloc full",
            "blockgraph img resize --preallocation=fa:falloc",
            "blockgraph img info --output :human json",
            "blockgraph img info -f ra:raw",
            "blockgraph img check -r :all leaks",
            "blockgraph img info di:disk.img",
            "blockgraph io -c trun:truncate",
            "/usr/bin/qemu-img inf:info",
            "qemu-img convert -T wri:writeback writethrough",
            "qemu-io --read:--read-only",
            "qemu-io -t uns:unsafe")]
        string row)
    {
        string typed = row[..row.LastIndexOf(':')];
        string[] offered = row[(row.LastIndexOf(':') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        File.WriteAllText(_folder.File("disk.img"), "");
        File.WriteAllText(_folder.File("completion"), ToolRun.Own("completion", shell).Out);
        IEnumerable<string> found = shell == "zsh" ? AskZsh(typed) : AskFish(typed);
        Assert.That(found.Order(StringComparer.Ordinal), Is.EqualTo(offered), typed);
    }

    private string[] AskZsh(string typed)
    {
        File.WriteAllText(_folder.File("inside"), ZshInside);
        File.WriteAllText(_folder.File("typed"), ZshTyped);
        Run("zsh", "-f", "typed", typed);
        return File.Exists(_folder.File("offered")) ? [.. File.ReadAllLines(_folder.File("offered")).Where(line => line.Length > 0)] : [];
    }

    // Each line is a word and what it means; an option's value has the option in front.
    private IEnumerable<string> AskFish(string typed) =>
        Run("fish", "--no-config", "-c", "source completion; complete -C $argv[1]", typed).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')[0].Split('=')[^1]);

    private string Run(string shell, params string[] arguments)
    {
        if (!File.Exists($"/usr/bin/{shell}"))
        {
            Assert.Ignore($"missing program: {shell}");
        }

        ProcessStartInfo start = new($"/usr/bin/{shell}", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder.Path };
        start.Environment["HOME"] = _folder.Path;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(errors.Result, Is.Empty, $"{shell}: The script must have no fault.");
        return output;
    }
}
