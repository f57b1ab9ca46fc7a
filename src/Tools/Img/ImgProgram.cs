using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>Runs a command line of <c>blockgraph img</c> or of <c>qemu-img</c>: the same commands, read by the same rules.</summary>
/// <param name="console">Where it reads and writes.</param>
/// <param name="name">By which name it was called.</param>
/// <param name="drivers">Drivers beside those that every world has.</param>
internal sealed class ImgProgram(IToolConsole console, ImgName name, IReadOnlyList<BlockDriver> drivers)
{
    private string _command = "";

    private string HelpHint => name.FollowsTexts ? $"Try '{name.Program} --help' for more information" : $"try '{name.Program} img{_command} --help'";

    /// <summary>Runs <paramref name="arguments"/>, which begin with the command, and returns the exit code.</summary>
    public int Run(IReadOnlyList<string> arguments)
    {
        try
        {
            return RunProgram(arguments);
        }
        catch (BlockException failure)
        {
            return Complain(failure);
        }
        catch (ReportedFailure failure)
        {
            return failure.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return Complaint.Print(console, name.Program, "Operation canceled");
        }
    }

    // Standard options may stand before the command.
    private int RunProgram(IReadOnlyList<string> arguments)
    {
        LongOption[] standard = [new('h', "help"), new('V', "version"), new('T', "trace", TakesValue: true)];
        int commandIndex = 0;
        while (commandIndex < arguments.Count && arguments[commandIndex].StartsWith('-'))
        {
            string argument = arguments[commandIndex];
            LongOptions options = new(standard);
            bool hasNext = commandIndex + 1 < arguments.Count;
            if (!options.TryRead(hasNext ? [argument, arguments[commandIndex + 1]] : [argument], out LongOptionFault? fault))
            {
                throw FaultError(fault);
            }

            switch (options.Found.Count == 0 ? null : options.Found[0].Key)
            {
                case "help":
                    ImgHelp.PrintAll(console.Out, name);
                    return 0;
                case "version":
                    console.Out.WriteLine(name.FollowsTexts ? VersionText.LinkLine(name.Program) : VersionText.OwnLine);
                    return 0;
                case "trace" when options.Found[0].Value is { } spec:
                    WarnOfTrace(spec);
                    commandIndex += options.Operands.Count == 0 && hasNext ? 2 : 1;
                    break;
                default:
                    commandIndex += options.Operands.Count == 0 && hasNext ? 2 : 1;
                    break;
            }
        }

        return commandIndex == arguments.Count
            ? throw ImgUsage.Error(name.FollowsTexts ? "Not enough arguments" : "no command of img given")
            : RunVerb(arguments[commandIndex], [.. arguments.Skip(commandIndex + 1)]);
    }

    private int RunVerb(string verbName, IReadOnlyList<string> arguments)
    {
        ImgVerb verb = ImgVerbs.Create(verbName, name) ?? throw UnknownVerb(verbName);
        _command = $" {verb.Name}";
        LongOptions options = new([new('h', "help"), .. ImgHelp.OptionsOf(verb, name).Select(option => option.ToLongOption(name))]);
        options.TryRead(verb.TakeFirst(arguments), out LongOptionFault? fault);

        // Objects are made where they stand, so that what is wrong with one is told before what is wrong behind it; all else can be read before there is a graph.
        bool hasObjects = options.Found.Any(option => option.Key == ImgOption.Object.Name);
        if (!hasObjects && !TakeOptions(verb, options, fault))
        {
            return 0;
        }

        bool isVirtualTime = options.Found.Any(option => option.Key == ImgOption.VirtualTime.Name);
        return ToolWorld.Run(
            name.Profile,
            isVirtualTime,
            warning => Complaint.Warn(console, name.Program, warning, name.Profile),
            async world => !hasObjects || await TakeWithObjectsAsync(world, verb, options, fault) ? await verb.RunAsync(new ImgCall(world, console, name, options.Operands)) : 0,
            drivers);
    }

    // False where the help was asked for, and printed.
    private bool TakeOptions(ImgVerb verb, LongOptions options, LongOptionFault? fault)
    {
        if (!options.Found.All(option => TakeOption(verb, option.Key, option.Value)))
        {
            return false;
        }

        CheckLine(verb, options, fault);
        return true;
    }

    private async Task<bool> TakeWithObjectsAsync(ToolWorld world, ImgVerb verb, LongOptions options, LongOptionFault? fault)
    {
        foreach ((string option, string? value) in options.Found)
        {
            if (option == ImgOption.Object.Name ? !await TryCreateObjectAsync(world, verb, value!) : !TakeOption(verb, option, value))
            {
                return false;
            }
        }

        CheckLine(verb, options, fault);
        return true;
    }

    private async Task<bool> TryCreateObjectAsync(ToolWorld world, ImgVerb verb, string text)
    {
        try
        {
            return await CreatedObjects.TryCreateAsync(world, console, [text]);
        }
        catch (BlockException failure) when (verb.ObjectFailureExitCode != 1)
        {
            Complain(failure);
            throw new ReportedFailure(verb.ObjectFailureExitCode);
        }
    }

    private bool TakeOption(ImgVerb verb, string option, string? value)
    {
        if (option == "help")
        {
            ImgHelp.Print(console.Out, name, verb);
            return false;
        }

        if (option != ImgOption.VirtualTime.Name)
        {
            verb.Take(option, value);
            if (verb.Options.Any(known => known.Name == option && known.IsSize))
            {
                WarnOfSize(value!);
            }
        }

        return true;
    }

    private void CheckLine(ImgVerb verb, LongOptions options, LongOptionFault? fault)
    {
        if (fault is not null)
        {
            throw FaultError(fault);
        }

        verb.Check(options.Operands);
        foreach (string size in verb.SizeOperands(options.Operands))
        {
            WarnOfSize(size);
        }
    }

    private void WarnOfSize(string size)
    {
        if (name.FollowsTexts)
        {
            Complaint.WarnOfSize(console, name.Program, size);
        }
    }

    // This program has no trace events.
    private void WarnOfTrace(string spec)
    {
        if (QemuOptsParser.Parse(spec, "enable").Find("enable") is { } pattern && !pattern.Contains('*', StringComparison.Ordinal))
        {
            Complaint.Warn(console, name.Program, $"trace event '{pattern}' does not exist");
        }
    }

    private BlockException UnknownVerb(string verbName)
    {
        if (name.FollowsTexts)
        {
            return ImgUsage.Error($"Command not found: {verbName}");
        }

        return NearestText.Find(verbName, ImgVerbs.CreateAll().Select(verb => verb.Name)) is { } nearest
            ? new BlockException($"unknown command '{verbName}'") { Hint = $"did you mean '{nearest}'?" }
            : ImgUsage.Error($"unknown command '{verbName}'");
    }

    private BlockException FaultError(LongOptionFault fault) => ImgUsage.Error(
        !name.FollowsTexts ? fault.Text
        : fault.IsValueMissing ? $"missing argument for option '{fault.Argument}'"
        : $"unrecognized option '{fault.Argument ?? (_command.Length > 0 ? _command[1..] : name.Program)}'");

    private int Complain(BlockException failure)
    {
        BlockException told = failure.Hint == ImgUsage.SeeHelp ? new BlockException(failure.Kind, failure.Message) { Hint = HelpHint } : failure;

        // By the well-known name each line of a text has the program's name in front.
        string[] lines = told.Message.Split('\n');
        if (!name.FollowsTexts || lines.Length == 1)
        {
            return Complaint.Print(console, name.Program, told, name.Profile);
        }

        return lines.Max(line => Complaint.Print(console, name.Program, line));
    }
}
