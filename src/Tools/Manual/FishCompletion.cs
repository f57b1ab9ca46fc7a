using System.Text;

namespace BlockGraph.Tools.Manual;

/// <summary>Completion for fish: one line for each word, with the command that it belongs to as its condition.</summary>
internal static class FishCompletion
{
    /// <summary>The script for <paramref name="programs"/>.</summary>
    public static string Of(IReadOnlyList<ManualCommand> programs)
    {
        ManualCommand[] below = [.. programs.SelectMany(program => program.All().Skip(1))];
        StringBuilder script = new();
        script.Append(
            """
            # fish completion for blockgraph and the names that it is known by
            #   blockgraph completion fish | source

            function __blockgraph_at
                set -l typed (commandline -opc)
                set -l at (path basename $typed[1])
                set -e typed[1]
                for word in $typed
                    contains -- "$at $word" $__blockgraph_commands; and set at "$at $word"
                end
                test "$at" = "$argv"
            end


            """);
        script.Append($"set -g __blockgraph_commands {string.Join(' ', below.Select(command => ShellText.QuoteForFish(command.Path)))}\n");
        foreach (ManualCommand program in programs)
        {
            foreach (ManualCommand command in program.All())
            {
                AppendCommand(script, program.Name, command);
            }
        }

        return script.ToString();
    }

    private static void AppendCommand(StringBuilder script, string program, ManualCommand command)
    {
        string start = $"complete -c {program} -n {ShellText.QuoteForFish($"__blockgraph_at {command.Path}")}";
        foreach (ManualCommand below in command.Commands)
        {
            script.Append($"{start} -f -a {below.Name} -d {ShellText.QuoteForFish(below.Summary.TrimEnd('.'))}\n");
        }

        foreach (string operand in command.Operands)
        {
            script.Append($"{start} -f -a {ShellText.QuoteForFish(operand)}\n");
        }

        foreach (ManualOption option in command.Options)
        {
            script.Append(start);
            foreach (string name in option.Names)
            {
                script.Append(name.StartsWith("--", StringComparison.Ordinal) ? $" -l {name[2..]}" : $" -s {name[1..]}");
            }

            script.Append(option.ValueName is null ? "" : option.Values.Count > 0 ? $" -x -a {ShellText.QuoteForFish(string.Join(' ', option.Values))}" : option.TakesFile ? " -r -F" : " -x");
            script.Append(option.Help.Length > 0 ? $" -d {ShellText.QuoteForFish(option.Help)}\n" : "\n");
        }
    }
}
