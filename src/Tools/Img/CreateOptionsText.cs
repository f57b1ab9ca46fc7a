using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>The options of a new image as a command line gives them (<c>-o</c>), as they are told back, and as the help lists them.</summary>
internal sealed class CreateOptionsText
{
    private const int HelpWidth = 22;
    private string? _text;

    /// <summary>A person asks which options there are.</summary>
    public bool IsHelpWanted { get; private set; }

    /// <summary>Takes one <c>-o</c>; several are as one.</summary>
    /// <exception cref="BlockException">It is no list of options.</exception>
    public void Take(string text)
    {
        if (text.Length == 0 || text.StartsWith(',') && !text.StartsWith(",,", StringComparison.Ordinal) || text.EndsWith(',') && (!text.EndsWith(",,", StringComparison.Ordinal) || text == ",,"))
        {
            throw new BlockException($"Invalid option list: {text}");
        }

        _text = _text is null ? text : $"{_text},{text}";
        IsHelpWanted |= QemuOptsParser.Parse(text).IsHelpWanted;
    }

    /// <summary>True where <paramref name="option"/> is given, whatever its value.</summary>
    public bool Names(string option) => _text is not null && QemuOptsParser.Parse(_text).Find(option) is not null;

    /// <summary>The options by name, each of the type that <paramref name="schema"/> says; of one given twice the last.</summary>
    /// <exception cref="BlockException">One is unknown, or its value is none for it.</exception>
    public OptionsDictionary Read(OptionSchema schema, ImgCall call)
    {
        OptionsDictionary read = [];
        if (_text is null)
        {
            return read;
        }

        QemuOptions options = QemuOptsParser.Parse(_text);
        options.Validate(schema, call.Name.Profile.SuggestsNearestOption);
        OptionsDictionary given = options.ToDictionary();
        OptionReader reader = new(given.Clone(), schema);
        foreach (OptionDefinition definition in schema.Definitions.Where(definition => given.ContainsKey(definition.Name)))
        {
            read[definition.Name] = definition.Type switch
            {
                OptionType.Size => reader.GetSize(definition.Name),
                OptionType.Integer => reader.GetInteger(definition.Name),
                OptionType.Boolean => reader.GetBoolean(definition.Name),
                _ => reader.GetString(definition.Name)!,
            };
        }

        if (call.Name.FollowsTexts)
        {
            foreach (OptionDefinition definition in schema.Definitions.Where(definition => definition.Type == OptionType.Size))
            {
                Complaint.WarnOfSize(call.Console, call.Name.Program, given.GetText(definition.Name) ?? "");
            }
        }

        return read;
    }

    /// <summary>The options in the order of <paramref name="schema"/>, with the defaults of those that are not given.</summary>
    public static string Tell(OptionSchema schema, OptionsDictionary options) => string.Concat(schema.Definitions.Select(definition =>
        options.TryGetValue(definition.Name, out OptionValue? value) ? $" {definition.Name}={Tell(value)}"
        : definition.Default is { } fallback ? $" {definition.Name}={TellDefault(definition, fallback)}"
        : ""));

    /// <summary>Prints what <paramref name="schema"/> has, by name.</summary>
    public static void PrintHelp(TextWriter output, OptionSchema schema)
    {
        foreach (OptionDefinition definition in schema.Definitions.OrderBy(definition => definition.Name, StringComparer.Ordinal))
        {
            string type = definition.Type switch
            {
                OptionType.Size => "<size>",
                OptionType.Integer => "<num>",
                OptionType.Boolean => "<bool (on/off)>",
                _ => "<str>",
            };
            output.WriteLine($"  {$"{definition.Name}={type}".PadRight(HelpWidth)} - {definition.Help}");
        }
    }

    /// <summary>Prints what can be said of an image of <paramref name="format"/>, alone or in a file whose options are in <paramref name="all"/>, too.</summary>
    public static void PrintHelp(TextWriter output, BlockDriver format, OptionSchema? all)
    {
        if (all is not null)
        {
            output.WriteLine("Supported options:");
            PrintHelp(output, all);
            return;
        }

        output.WriteLine($"Supported {format.Name} options:");
        PrintHelp(output, format.CreateOptions!);
        output.WriteLine();
        output.WriteLine("The protocol level may support further options.");
        output.WriteLine("Specify the target filename to include those options.");
    }

    private static string Tell(OptionValue value) => value is OptionBoolean boolean ? boolean.Value ? "on" : "off" : value.AsText ?? "";

    private static string TellDefault(OptionDefinition definition, string fallback) => definition.Type == OptionType.Size ? $"{SizeText.Parse(definition.Name, fallback)}" : fallback;
}
