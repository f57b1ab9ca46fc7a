using System.CommandLine;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Manual;

/// <summary>The command line of <c>blockgraph completion</c>.</summary>
internal static class CompletionCommandLine
{
    /// <summary>Makes the command.</summary>
    /// <param name="console">Where the script is printed.</param>
    /// <param name="findPrograms">The programs that the script completes: this one by its own name first, then by others.</param>
    public static Command Create(IToolConsole console, Func<IReadOnlyList<ManualCommand>> findPrograms)
    {
        Argument<string> shell = new("SHELL") { Description = "the shell whose script is printed: bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        Command command = new("completion", "Print a script by which a shell completes commands, options, values and file names, also of the well-known names.") { shell };
        command.SetAction(parsed =>
        {
            IReadOnlyList<ManualCommand> programs = findPrograms();
            console.Out.Write(parsed.GetRequiredValue(shell) switch
            {
                "bash" => BashCompletion.Of(programs),
                "zsh" => ZshCompletion.Of(programs),
                _ => FishCompletion.Of(programs),
            });
            return 0;
        });
        return command;
    }
}
