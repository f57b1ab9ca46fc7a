using System.Text;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Manual;

/// <summary>A man page in roff, by the macros of man(7).</summary>
internal static class ManPage
{
    /// <summary>The page of <paramref name="command"/>.</summary>
    public static string Of(ManualCommand command)
    {
        StringBuilder page = new();
        page.Append($".TH {Escape(command.PageName.ToUpperInvariant())} 1 \"\" \"{VersionText.OwnLine}\" \"User Commands\"\n.nh\n");
        page.Append($".SH NAME\n{Escape(command.PageName)} \\- {Escape(command.Summary.TrimEnd('.'))}\n");
        page.Append($".SH SYNOPSIS\n.B {Escape(command.Path)}\n{Line($"[OPTIONS] {command.Usage}".TrimEnd())}\n");
        if (command.Notes.Count > 0)
        {
            page.Append(".SH DESCRIPTION\n");
            page.AppendJoin(".PP\n", command.Notes.Select(note => Line(note) + "\n"));
        }

        if (command.Commands.Count > 0)
        {
            page.Append(".SH COMMANDS\n");
            foreach (ManualCommand below in command.Commands)
            {
                page.Append($".TP\n\\fB{Escape(below.Name)}\\fR\n{Line(below.Summary)}\n");
            }
        }

        page.Append(".SH OPTIONS\n");
        foreach (ManualOption option in command.Options)
        {
            page.Append($".TP\n{TermOf(option)}\n{Line(HelpOf(option))}\n");
        }

        AppendWords(page, command);
        if (command.Examples.Count > 0)
        {
            page.Append(".SH EXAMPLES\n.EX\n");
            page.AppendJoin('\n', command.Examples.Select(Line));
            page.Append("\n.EE\n");
        }

        page.Append(".SH EXIT STATUS\n0 for success; anything else is a failure, of which a line on standard error tells.\n");
        IEnumerable<string> others = command.Commands.Select(below => below.PageName).Append(ParentOf(command)).OfType<string>().Order(StringComparer.Ordinal);
        if (others.Any())
        {
            page.Append(".SH SEE ALSO\n");
            page.AppendJoin(",\n", others.Select(other => $"\\fB{Escape(other)}\\fR(1)"));
            page.Append('\n');
        }

        return page.ToString();
    }

    private static string? ParentOf(ManualCommand command) =>
        command.Path.LastIndexOf(' ') is > 0 and int end ? command.Path[..end].Replace(' ', '-') : null;

    private static void AppendWords(StringBuilder page, ManualCommand command)
    {
        if (command.Words.Count == 0)
        {
            return;
        }

        page.Append(".SH LANGUAGE\n");
        foreach (ManualWord word in command.Words)
        {
            page.Append($".TP\n\\fB{Escape(word.Usage)}\\fR\n{Line(word.Summary)}\n");
            if (word.Switches.Count > 0)
            {
                page.Append(".RS\n");
                foreach ((string name, string meaning) in word.Switches)
                {
                    page.Append($".TP\n\\fB{Escape(name)}\\fR\n{Line(meaning)}\n");
                }

                page.Append(".RE\n");
            }
        }
    }

    private static string TermOf(ManualOption option)
    {
        string names = string.Join(", ", option.Names.Select(name => $"\\fB{Escape(name)}\\fR"));
        return option.ValueName is null ? names : $"{names} \\fI{Escape(option.ValueName)}\\fR";
    }

    private static string HelpOf(ManualOption option)
    {
        string help = option.Help.Length == 0 ? option.Names[^1].TrimStart('-') : option.Help;
        return option.Values.Count == 0 || option.ValueName!.Contains('|', StringComparison.Ordinal) || option.Values.All(value => help.Contains(value, StringComparison.Ordinal))
            ? help
            : $"{help}: {string.Join(", ", option.Values)}";
    }

    // A full stop or an apostrophe at the beginning of a line would be a request.
    private static string Line(string text) => text is ['.' or '\'', ..] ? $"\\&{Escape(text)}" : Escape(text);

    private static string Escape(string text) => text.ReplaceLineEndings(" ").Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
}
