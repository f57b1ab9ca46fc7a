using System.CommandLine;
using System.CommandLine.Parsing;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Tools.Bench;
using BlockGraph.Tools.DriverList;
using BlockGraph.Tools.GraphView;
using BlockGraph.Tools.Img;
using BlockGraph.Tools.Io;
using BlockGraph.Tools.Manual;
using BlockGraph.Tools.Plan;
using BlockGraph.Tools.Throttle;

namespace BlockGraph.Tools.Dispatch;

/// <summary>Runs the command line that belongs to the name the program was called by.</summary>
/// <param name="console">Where commands read and write.</param>
/// <param name="drivers">Drivers that image commands have beside all others.</param>
internal sealed class CommandDispatcher(IToolConsole console, params IReadOnlyList<BlockDriver> drivers)
{
    /// <summary>Runs <paramref name="arguments"/> under <paramref name="name"/> and returns the exit code.</summary>
    public int Run(string name, IReadOnlyList<string> arguments)
    {
        bool isOwn = name == CalledName.Own;
        try
        {
            return isOwn ? RunOwn(arguments)
                : name == CalledName.QemuIo ? QemuIoCommandLine.Run(console, arguments)
                : name == CalledName.QemuImg ? new ImgProgram(console, ImgName.Qemu, drivers).Run(arguments)
                : Complaint.Print(console, name, $"{CalledName.Own} {VersionText.Number} does not do the work of {name} yet");
        }
        catch (BlockException failure)
        {
            return Complaint.Print(console, name, failure, isOwn ? CompatibilityProfile.Own : CompatibilityProfile.Qemu);
        }
        catch (IOException failure)
        {
            // Images fail with a BlockException: this is the console.
            return Complaint.Print(console, name, $"Standard input or output: {failure.Message}");
        }
        catch (OperationCanceledException)
        {
            return Complaint.Print(console, name, "Operation canceled");
        }
    }

    private int RunOwn(IReadOnlyList<string> arguments)
    {
        if (arguments is ["--version"])
        {
            console.Out.WriteLine(VersionText.OwnLine);
            return 0;
        }

        if (arguments is ["img", ..])
        {
            return new ImgProgram(console, ImgName.Own, drivers).Run([.. arguments.Skip(1)]);
        }

        RootCommand root = Compose();
        if (arguments.Count == 0)
        {
            return Complaint.Print(console, CalledName.Own, $"no command given (try '{CalledName.Own} --help')");
        }

        CheckCommand(root, arguments);

        // An option string may begin with an at sign; it is no file of arguments.
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0 || FindUnknownOption(parsed) is not null)
        {
            string error = FindUnknownOption(parsed) is { } unknown ? $"unknown option '{unknown}'" : parsed.Errors[0].Message;
            return Complaint.Print(console, CalledName.Own, error);
        }

        return parsed.Invoke(new InvocationConfiguration { Output = console.Out, Error = console.Error, EnableDefaultExceptionHandler = false });
    }

    // The parser takes an option that it does not know for an operand.
    private static string? FindUnknownOption(ParseResult parsed) => parsed.CommandResult.Children
        .OfType<ArgumentResult>()
        .SelectMany(argument => argument.Tokens.Select(token => token.Value))
        .Concat(parsed.UnmatchedTokens)
        .FirstOrDefault(token => token is ['-', _, ..]);

    private RootCommand Compose()
    {
        RootCommand root = new("BlockGraph: graphs of block drivers, opened from an option string.")
        {
            IoCommandLine.Create(console),
            BenchCommandLine.Create(console),
            new Command("img", ImgHelp.Summary),
            GraphCommandLine.Create(console),
            PlanCommandLine.Create(console),
            ThrottleCommandLine.Create(console),
            DriversCommandLine.Create(console),
            CreateInstallLinks(),
            CompletionCommandLine.Create(console, () => [Manual().Own(Compose()), .. Manual().Links()]),
            ManCommandLine.Create(console, () => Manual().Own(Compose())),
        };
        root.Directives.Clear();
        return root;
    }

    private static ManualTree Manual()
    {
        string[] drivers = [];
        ToolWorld.Run(CompatibilityProfile.Own, isVirtualTime: false, _ => { }, world =>
        {
            drivers = [.. world.Graph.Drivers.All.Select(driver => driver.Name).Order(StringComparer.Ordinal)];
            return Task.FromResult(0);
        });
        return new ManualTree(drivers);
    }

    private static void CheckCommand(Command parent, IReadOnlyList<string> arguments)
    {
        string name = arguments[0];
        if (name.StartsWith('-'))
        {
            return;
        }

        if (parent.Subcommands.FirstOrDefault(command => command.Name == name) is not { } found)
        {
            string? nearest = NearestText.Find(name, parent.Subcommands.Select(command => command.Name));
            string program = parent is RootCommand ? CalledName.Own : $"{CalledName.Own} {parent.Name}";
            throw new BlockException($"unknown command '{name}'")
            {
                Hint = nearest is null ? $"try '{program} --help'" : $"did you mean '{nearest}'?",
            };
        }

        if (found.Subcommands.Count > 0)
        {
            CheckCommand(found, arguments.Count > 1 ? [.. arguments.Skip(1)] : throw new BlockException($"no command of {name} given") { Hint = $"try '{CalledName.Own} {name} --help'" });
        }
    }

    private Command CreateInstallLinks()
    {
        Argument<string> directory = new("DIR") { Description = "an existing directory, such as one on the PATH" };
        Command command = new("install-links", $"Make links called {string.Join(", ", CalledName.Links)} that lead to this program.") { directory };
        command.SetAction(parsed =>
        {
            string target = Environment.ProcessPath ?? throw new BlockException("the path of this program is not known");
            foreach (string path in LinkInstaller.Install(parsed.GetRequiredValue(directory), target))
            {
                console.Out.WriteLine($"{path} -> {target}");
            }

            return 0;
        });
        return command;
    }
}
