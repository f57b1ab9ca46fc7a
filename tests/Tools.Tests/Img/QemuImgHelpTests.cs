using System.Text.RegularExpressions;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>The installed qemu-img's help is read: what it lists, ours has under that name. What it takes without listing it, it is asked for.</summary>
[TestFixture]
public partial class QemuImgHelpTests
{
    private static readonly string[] s_unlistedNames = ["--force-share", "--format", "--quiet", "--repair", "--skip-broken-bitmaps", "--source-file", "--source-format", "--granularity"];

    [Test]
    public void Every_standard_option_is_taken_and_explained()
    {
        string[] theirs = [.. StandardOption().Matches(TheirHelp()).SelectMany(match => SwitchesOf(match.Value))];
        Assert.That(theirs, Has.Length.EqualTo(6), "its help has a form that can be read");
        foreach (string option in theirs)
        {
            Assert.That(IsTaken(ToolRun.By("qemu-img", "", option)), Is.True, option);
        }
    }

    [Test]
    public void Every_command_is_there()
    {
        IReadOnlyDictionary<string, string> theirs = TheirSyntax();
        Assert.That(theirs, Has.Count.GreaterThan(12), "its help has a form that can be read");
        string help = ToolRun.By("qemu-img", "", "--help").Out;
        foreach (string verb in theirs.Keys)
        {
            Assert.That(help, Does.Contain($"\n  {verb} "), "our list");
            Assert.That(ToolRun.By("qemu-img", "", verb, "--help").ExitCode, Is.Zero, verb);
        }
    }

    [Test]
    public void Every_switch_of_every_command_is_taken_and_explained()
    {
        foreach ((string verb, string syntax) in TheirSyntax())
        {
            string[] theirs = SwitchesOf(syntax);
            Assert.That(theirs, Is.Not.Empty, $"{verb}: its help has a form that can be read");
            string help = ToolRun.By("qemu-img", "", verb, "--help").Out;
            Assert.That(theirs.Except(ExplainedOption().Matches(help).SelectMany(match => SwitchesOf(match.Value))), Is.Empty, $"{verb}: missing in our help");
            Assert.That(theirs.Where(option => !IsTaken(ToolRun.By("qemu-img", "", verb, option))), Is.Empty, $"{verb}: not taken");
        }
    }

    [Test]
    public void Every_word_with_a_value_of_dd_is_taken_and_explained()
    {
        string[] theirs = [.. WordWithValue().Matches(TheirSyntax()["dd"]).Select(match => match.Value)];
        Assert.That(theirs, Is.SupersetOf(new[] { "if=", "of=", "bs=" }), "its help has a form that can be read");
        string help = ToolRun.By("qemu-img", "", "dd", "--help").Out;
        foreach (string word in theirs)
        {
            Assert.That(help, Does.Contain(word), "our help");
            Assert.That(ToolRun.By("qemu-img", "", "dd", $"{word}1").Error, Does.Not.Contain("unrecognized operand").And.Not.Empty, word);
        }
    }

    // Its help leaves some out, among them most long names.
    [Test]
    public void What_is_taken_without_being_listed_is_taken_here()
    {
        IReadOnlyDictionary<string, string> syntax = TheirSyntax();
        string[] known = [.. syntax.Values.SelectMany(SwitchesOf).Concat(s_unlistedNames).Distinct()];
        string[] missing = [.. syntax.Keys.AsParallel().SelectMany(verb => known
            .Where(option => !IsTaken(ToolRun.By("qemu-img", "", verb, option)) && IsTaken(InstalledProgram.Run("qemu-img", "", verb, option)))
            .Select(option => $"{verb} {option}"))];
        Assert.That(missing, Is.Empty);
    }

    private static string TheirHelp() => InstalledProgram.Run("qemu-img", "", "--help").Out;

    private static Dictionary<string, string> TheirSyntax() => Syntax().Matches(TheirHelp()).ToDictionary(match => match.Groups["verb"].Value, match => match.Groups["rest"].Value);

    private static string[] SwitchesOf(string text) => [.. Switch().Matches(text).Select(match => match.Value).Distinct()];

    // One that takes a value wants one, and an image that is not there is another matter; none is unknown.
    private static bool IsTaken(ToolRun run) => !UnknownOption().IsMatch(run.Error);

    [GeneratedRegex("^    '-[A-Za-z]', '--[a-z]+'", RegexOptions.Multiline)]
    private static partial Regex StandardOption();

    [GeneratedRegex("^  (?<verb>[a-z]+) (?<rest>[\\[(].*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Syntax();

    [GeneratedRegex(@"(?<![A-Za-z0-9-])(-[A-Za-z](?![A-Za-z])|--[a-z][a-z-]+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Switch();

    // The line that explains it begins with it.
    [GeneratedRegex("^  (-[A-Za-z](, --[a-z-]+)?|    --[a-z-]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex ExplainedOption();

    [GeneratedRegex("(?<=[ \\[])[a-z]+=")]
    private static partial Regex WordWithValue();

    [GeneratedRegex("invalid option|unrecognized option|ambiguous")]
    private static partial Regex UnknownOption();
}
