using System.Text;

namespace BlockGraph.Tools.Manual;

/// <summary>Completion for zsh: as for bash, with what each word means beside it.</summary>
internal static class ZshCompletion
{
    private const string Start =
        """
        # zsh completion for blockgraph and the names that it is known by: a file called _blockgraph on the fpath, or
        #   source <(blockgraph completion zsh)

        _blockgraph()
        {
            local at=${words[1]:t} previous=${words[CURRENT-1]} i
            local -a choices
            # An option and its value may be one word.
            if [[ $PREFIX == --*=* ]]; then
                previous=${PREFIX%%=*}
                compset -P '*='
            fi
            for ((i = 2; i < CURRENT; i++)); do
                case "$at ${words[i]}" in

        """;

    /// <summary>The script for <paramref name="programs"/>.</summary>
    public static string Of(IReadOnlyList<ManualCommand> programs)
    {
        ManualCommand[] all = [.. programs.SelectMany(program => program.All())];
        StringBuilder script = new();
        script.Append($"#compdef {string.Join(' ', programs.Select(program => program.Name))}\n");
        script.Append(Start);
        script.Append($"            {string.Join('|', all.Except(programs).Select(command => $"({ShellText.Quote(command.Path)})"))}) at+=\" ${{words[i]}}\" ;;\n");
        script.Append(
            """
                    esac
                done
                case "$at $previous" in

            """);
        foreach (ManualCommand command in all)
        {
            foreach (ManualOption option in command.Options.Where(option => option.ValueName is not null))
            {
                string names = string.Join('|', option.Names.Select(name => $"({ShellText.Quote($"{command.Path} {name}")})"));
                string action = option.Values.Count > 0 ? $"compadd -- {string.Join(' ', option.Values.Select(ShellText.Quote))}" : option.TakesFile ? "_files" : $"_message {ShellText.Quote(option.ValueName!)}";
                script.Append($"        {names}) {action}; return ;;\n");
            }
        }

        script.Append(
            """
                esac
                if [[ $PREFIX == -* ]]; then
                    case $at in

            """);
        AppendCases(script, all, command => command.Options.SelectMany(option => option.Names.Select(name => Described(name, option.Help))), "option");
        script.Append(
            """
                    esac
                else
                    case $at in

            """);
        AppendCases(
            script,
            all.Where(command => command.Commands.Count + command.Operands.Count > 0),
            command => command.Commands.Select(below => Described(below.Name, below.Summary)).Concat(command.Operands.Select(word => Described(word, ""))),
            "word");
        script.Append(
            """
                        *) _files ;;
                    esac
                fi
            }

            """);
        script.Append($"\ncompdef _blockgraph {string.Join(' ', programs.Select(program => program.Name))}\n");
        return script.ToString();
    }

    private static void AppendCases(StringBuilder script, IEnumerable<ManualCommand> commands, Func<ManualCommand, IEnumerable<string>> wordsOf, string kind)
    {
        foreach (ManualCommand command in commands)
        {
            script.Append($"            ({ShellText.Quote(command.Path)}) choices=({string.Join(' ', wordsOf(command).Select(ShellText.Quote))}); _describe {kind} choices ;;\n");
        }
    }

    // A colon stands between a word and its meaning.
    private static string Described(string word, string meaning) =>
        word.Replace(":", "\\:", StringComparison.Ordinal) + (meaning.Length > 0 ? $":{meaning.ReplaceLineEndings(" ").TrimEnd('.')}" : "");
}
