using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using BlockGraph.BlockCore.Io;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Img;
using BlockGraph.Tools.Io;
using BlockGraph.Tools.Plan;

namespace BlockGraph.Tools.Manual;

/// <summary>Gathers what there is to say of every command from where the command itself is defined.</summary>
/// <param name="drivers">The names that an image's format may have.</param>
internal sealed class ManualTree(IReadOnlyList<string> drivers)
{
    private static readonly string[] s_cacheModes = ["none", "writeback", "writethrough", "directsync", "unsafe"];

    /// <summary>The program by its own name, with everything below.</summary>
    public ManualCommand Own(RootCommand root) => Of(root, CalledName.Own);

    /// <summary>The program by the names of others: the links that do work.</summary>
    public IReadOnlyList<ManualCommand> Links() => [QemuImg(), QemuIo()];

    private ManualCommand Of(Command command, string path)
    {
        bool isRoot = command is RootCommand;
        return command.Name == "img" && !isRoot ? Img(path, ImgName.Own) : new ManualCommand(path, command.Description ?? "", UsageOf(command))
        {
            Options = [.. command.Options.Where(option => option is not HelpOption && !option.Hidden).Select(Of), Help],
            Commands = [.. command.Subcommands.Where(below => !below.Hidden).Select(below => Of(below, $"{path} {below.Name}"))],
            Notes = [.. command.Arguments.Where(argument => !string.IsNullOrEmpty(argument.Description)).Select(argument => $"{argument.Name}: {argument.Description}.")],
            Words = WordsOf(path),
            Operands = [.. command.Arguments.SelectMany(argument => argument.GetCompletions(CompletionContext.Empty)).Select(item => item.Label), .. path == "blockgraph drivers" ? drivers : []],
        };
    }

    private static ManualOption Help { get; } = new(["-h", "--help"], "show the help and exit", null, []);

    private static string UsageOf(Command command) => command.Subcommands.Count > 0
        ? "COMMAND"
        : string.Join(' ', command.Arguments.Select(argument => argument.Arity.MinimumNumberOfValues > 0
            ? argument.Arity.MaximumNumberOfValues > 1 ? $"{argument.Name}..." : argument.Name
            : $"[{argument.Name}]"));

    private ManualOption Of(Option option)
    {
        string[] names = [.. option.Aliases.Append(option.Name).Where(name => name.StartsWith('-') && name != "-?").Distinct().OrderBy(name => name.Length)];
        bool takesValue = option.ValueType != typeof(bool) && option is not VersionOption;
        string[] known = [.. takesValue ? option.GetCompletions(CompletionContext.Empty).Select(item => item.Label) : []];
        string? valueName = takesValue ? option.HelpName ?? (known.Length > 0 ? string.Join('|', known) : option.Name.TrimStart('-').ToUpperInvariant()) : null;
        return new ManualOption(names, option.Description ?? "", valueName, known.Length > 0 ? known : ValuesOf(option.Name, valueName));
    }

    private ManualCommand Img(string path, ImgName name) => new(path, ImgHelp.Summary, "COMMAND")
    {
        Options = [Help, new(["-V", "--version"], "show the version and exit", null, []), new(["-T", "--trace"], "taken, and without effect: there are no trace events", "TRACE", [])],
        Commands = [.. ImgVerbs.CreateAll(name).Select(verb => Of(verb, path, name))],
    };

    private ManualCommand Of(ImgVerb verb, string parent, ImgName name) => new($"{parent} {verb.Name}", verb.Summary, verb.Usage)
    {
        Options = [.. ImgHelp.OptionsOf(verb, name).Select(option => Of(option, name)), Help],
        Notes = verb.Notes,
        Examples = [.. verb.Examples.Select(example => $"{parent} {example}")],
    };

    private ManualOption Of(ImgOption option, ImgName name)
    {
        string[] letter = option.Letter == '\0' ? [] : [$"-{option.Letter}"];
        string[] longName = option.IsLetterOnly && name.FollowsTexts ? [] : [$"--{option.Name}"];
        return new ManualOption([.. letter, .. longName], option.Help, option.ValueName, ValuesOf($"--{option.Name}", option.ValueName));
    }

    private ManualCommand QemuImg() => Img(CalledName.QemuImg, ImgName.Qemu);

    private ManualCommand QemuIo() => new(CalledName.QemuIo, "Carry out single requests on an image.", "[FILE]")
    {
        Options =
        [
            .. QemuIoCommandLine.Options.Select(option => new ManualOption(
                [.. option.Letter == '\0' ? [] : new[] { $"-{option.Letter}" }, $"--{option.Name}"], "", option.TakesValue ? "VALUE" : null, ValuesOf($"--{option.Name}", option.TakesValue ? "VALUE" : null))),
        ],
    };

    private IReadOnlyList<string> ValuesOf(string option, string? valueName) => option switch
    {
        _ when valueName is null => [],
        _ when valueName.Contains('|', StringComparison.Ordinal) => valueName.Split('|'),
        "--cache" or "--source-cache" => s_cacheModes,
        "--aio" => ["threads", "native", "io_uring"],
        "--discard" => ["unmap", "ignore"],
        "--preallocation" => PreallocationModes.Names,
        "--cmd" => [.. IoCommandTable.All.Select(command => command.Name)],
        _ when valueName is "FMT" or "FORMAT" || option == "--format" => drivers,
        _ => [],
    };

    private static IReadOnlyList<ManualWord> WordsOf(string path) => path switch
    {
        "blockgraph io" =>
        [
            .. IoCommandTable.All.Select(command => new ManualWord(
                $"{command.Name} {command.Usage}".TrimEnd(),
                command.Alias is null ? command.Summary : $"{command.Summary} (short: {command.Alias})",
                [.. command.Switches.Select(known => KeyValuePair.Create($"-{known.Letter} {known.ValueName}".TrimEnd(), known.Meaning))])),
        ],
        "blockgraph plan" => [.. ChangeVerbs.All.Select(verb => new ManualWord(verb.Usage, verb.Summary, []))],
        _ => [],
    };
}
