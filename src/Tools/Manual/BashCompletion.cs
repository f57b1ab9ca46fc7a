using System.Text;

namespace BlockGraph.Tools.Manual;

/// <summary>Completion for bash: one function, which finds the command among the words before the cursor.</summary>
internal static class BashCompletion
{
    private const string Start =
        """
        # bash completion for blockgraph and the names that it is known by
        #   source <(blockgraph completion bash)

        _blockgraph()
        {
            local at=${1##*/} current=$2 previous=$3 words= i
            COMPREPLY=()
            # The shell takes --option=value apart.
            if [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then
                current=
            elif [[ $previous == = ]]; then
                previous=${COMP_WORDS[COMP_CWORD-2]}
            fi
            for ((i = 1; i < COMP_CWORD; i++)); do
                case "$at ${COMP_WORDS[i]}" in

        """;

    /// <summary>The script for <paramref name="programs"/>.</summary>
    public static string Of(IReadOnlyList<ManualCommand> programs)
    {
        ManualCommand[] all = [.. programs.SelectMany(program => program.All())];
        StringBuilder script = new();
        script.Append(Start);
        script.Append($"            {string.Join('|', all.Except(programs).Select(command => ShellText.Quote(command.Path)))}) at+=\" ${{COMP_WORDS[i]}}\" ;;\n");
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
                string names = string.Join('|', option.Names.Select(name => ShellText.Quote($"{command.Path} {name}")));
                string action = option.Values.Count > 0 ? $"words={ShellText.Quote(string.Join(' ', option.Values))}" : option.TakesFile ? "words=FILES" : "return";
                script.Append($"        {names}) {action} ;;\n");
            }
        }

        script.Append(
            """
                esac
                if [[ -z $words && $current == -* ]]; then
                    case $at in

            """);
        AppendCases(script, all, command => command.Options.SelectMany(option => option.Names));
        script.Append(
            """
                    esac
                elif [[ -z $words ]]; then
                    words=FILES
                    case $at in

            """);
        AppendCases(script, all.Where(command => command.Commands.Count + command.Operands.Count > 0), command => command.Commands.Select(below => below.Name).Concat(command.Operands));
        script.Append(
            """
                    esac
                fi
                if [[ $words == FILES ]]; then
                    compopt -o filenames 2>/dev/null
                    mapfile -t COMPREPLY < <(compgen -f -- "$current")
                else
                    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
                fi
            }

            """);
        script.Append($"\ncomplete -F _blockgraph {string.Join(' ', programs.Select(program => program.Name))}\n");
        return script.ToString();
    }

    private static void AppendCases(StringBuilder script, IEnumerable<ManualCommand> commands, Func<ManualCommand, IEnumerable<string>> wordsOf)
    {
        foreach (ManualCommand command in commands)
        {
            script.Append($"            {ShellText.Quote(command.Path)}) words={ShellText.Quote(string.Join(' ', wordsOf(command)))} ;;\n");
        }
    }
}
