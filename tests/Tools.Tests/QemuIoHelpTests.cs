using System.Text.RegularExpressions;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Tests;

/// <summary>The installed qemu-io's help is read: what it lists, ours has.</summary>
[TestFixture]
public partial class QemuIoHelpTests
{
    [Test]
    public void Every_option_of_its_command_line_is_taken_and_explained()
    {
        string[] theirs = OptionsOf(InstalledProgram.Run("qemu-io", "", "--help").Out);
        Assert.That(theirs, Has.Length.GreaterThan(25), "its help has a form that can be read");
        string[] ours = OptionsOf(ToolRun.By("qemu-io", "", "--help").Out);
        Assert.That(theirs.Except(ours), Is.Empty, "missing in our help");
        foreach (string option in theirs)
        {
            // One that takes a value wants one; none is unknown.
            string error = ToolRun.By("qemu-io", "", option, "-V").Error;
            Assert.That(error, Does.Not.Contain("invalid option").And.Not.Contain("unrecognized"), option);
        }
    }

    [Test]
    public void Every_command_is_there_with_its_line_of_usage() =>
        Assert.That(ToolRun.By("qemu-io", "", "-c", "help").Out, Is.EqualTo(InstalledProgram.Run("qemu-io", "", "-c", "help").Out));

    [Test]
    public void Every_switch_of_every_command_is_taken_and_explained()
    {
        string[] names = [.. InstalledProgram.Run("qemu-io", "", "-c", "help").OutLines.Where(line => line.Contains(" -- ", StringComparison.Ordinal)).Select(line => line.Split(' ')[0])];
        Assert.That(names, Has.Length.GreaterThan(20), "its list has a form that can be read");
        foreach (string name in names)
        {
            ToolRun theirs = InstalledProgram.Run("qemu-io", "", "-c", $"help {name}");
            ToolRun ours = ToolRun.By("qemu-io", "", "-c", $"help {name}");
            Assert.That(ours.OutLines[0], Is.EqualTo(theirs.OutLines[0]), name);
            IEnumerable<char> switches = SwitchesOf(theirs.Out);
            Assert.That(switches.Except(SwitchesOf(ours.Out)), Is.Empty, $"help {name}");
            Assert.That(switches.Except(IoCommandTable.Find(name)!.Switches.Select(known => known.Letter)), Is.Empty, name);
        }
    }

    [Test]
    public void Every_short_name_is_there()
    {
        for (char letter = 'a'; letter <= 'z'; letter++)
        {
            string theirs = InstalledProgram.Run("qemu-io", "", "-c", $"help {letter}").OutLines[0];
            Assert.That(ToolRun.By("qemu-io", "", "-c", $"help {letter}").OutLines[0], Is.EqualTo(theirs));
        }
    }

    private static string[] OptionsOf(string help) => [.. Option().Matches(help).Select(match => match.Value.Trim()).Distinct()];

    private static char[] SwitchesOf(string help) => [.. Switch().Matches(help).Select(match => match.Groups["letter"].Value[0])];

    // At the start of a line, or behind the comma after the letter.
    [GeneratedRegex(@"(?<=^  |, )(-[A-Za-z]|--[a-z][a-z-]*)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Option();

    [GeneratedRegex("^ -(?<letter>[A-Za-z]), -- ", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Switch();
}
