using System.CommandLine;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Manual;

/// <summary>The command line of <c>blockgraph man</c>.</summary>
internal static class ManCommandLine
{
    /// <summary>Makes the command.</summary>
    /// <param name="console">Where pages are printed.</param>
    /// <param name="findProgram">The program with all its commands.</param>
    public static Command Create(IToolConsole console, Func<ManualCommand> findProgram)
    {
        Argument<string[]> words = new("COMMAND") { Description = "whose page is printed, such as 'img create'; the program's own without it", Arity = ArgumentArity.ZeroOrMore };
        Option<string?> directory = new("--dir") { Description = "write every page into this directory, which must exist, instead of printing one", HelpName = "DIR" };
        Command command = new("man", "Print the man page of a command, or write all of them.") { words, directory };
        command.SetAction(parsed =>
        {
            ManualCommand program = findProgram();
            string[] path = parsed.GetValue(words) ?? [];
            if (parsed.GetValue(directory) is { } folder)
            {
                return path.Length == 0 ? WriteAll(console, program, folder) : throw new BlockException("--dir writes every page: it goes with no COMMAND");
            }

            console.Out.Write(ManPage.Of(Find(program, path)));
            return 0;
        });
        return command;
    }

    private static ManualCommand Find(ManualCommand program, IEnumerable<string> path)
    {
        ManualCommand found = program;
        foreach (string name in path.SelectMany(words => words.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            found = found.Commands.FirstOrDefault(below => below.Name == name) ?? throw new BlockException(BlockErrorKind.NotFound, $"there is no command '{found.Path} {name}'")
            {
                Hint = NearestText.Find(name, found.Commands.Select(below => below.Name)) is { } nearest ? $"did you mean '{nearest}'?" : $"try '{found.Path} --help'",
            };
        }

        return found;
    }

    private static int WriteAll(IToolConsole console, ManualCommand program, string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new BlockException(BlockErrorKind.NotFound, $"There is no directory '{folder}' to put man pages in");
        }

        foreach (ManualCommand command in program.All())
        {
            string path = Path.Combine(folder, $"{command.PageName}.1");
            try
            {
                File.WriteAllText(path, ManPage.Of(command));
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw new BlockException(BlockErrorKind.AccessDenied, $"Could not write '{path}': {failure.Message}", failure);
            }

            console.Out.WriteLine(path);
        }

        return 0;
    }
}
