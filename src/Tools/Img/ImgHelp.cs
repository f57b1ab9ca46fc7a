using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>What a person is told about the image commands: all of them in a list, or one with all of its options.</summary>
internal static class ImgHelp
{
    /// <summary>All commands in a line.</summary>
    public const string Summary = "Work on images: create, look at, convert, compare and change them.";

    private const int OptionWidth = 30;
    private const int LineWidth = 110;

    /// <summary>Prints the list of commands.</summary>
    public static void PrintAll(TextWriter output, ImgName name)
    {
        string program = ProgramOf(name);
        output.WriteLine(name.FollowsTexts ? $"{VersionText.LinkLine(name.Program)}" : Summary);
        output.WriteLine();
        output.WriteLine($"usage: {program} [-h] [-V] [-T TRACE] COMMAND [OPTIONS]...");
        output.WriteLine();
        output.WriteLine("Command syntax:");
        foreach (ImgVerb verb in ImgVerbs.CreateAll(name))
        {
            foreach (string line in Wrap($"{verb.Name} {Synopsis(verb, name)}", "  ", "      "))
            {
                output.WriteLine(line);
            }
        }

        output.WriteLine();
        output.WriteLine($"'{program} COMMAND --help' says what a command does and what its options mean. Sizes take k, M, G, T, P or E (powers of 1024).");
    }

    /// <summary>Prints what <paramref name="verb"/> does and takes.</summary>
    public static void Print(TextWriter output, ImgName name, ImgVerb verb)
    {
        string program = ProgramOf(name);
        output.WriteLine(verb.Summary);
        output.WriteLine();
        foreach (string line in Wrap($"usage: {program} {verb.Name} {Synopsis(verb, name)}", "", "    "))
        {
            output.WriteLine(line);
        }

        output.WriteLine();
        foreach (ImgOption option in OptionsOf(verb, name))
        {
            PrintOption(output, Spelling(option, name), option.Help);
        }

        PrintOption(output, "-h, --help", "show this and exit");
        foreach (string note in verb.Notes)
        {
            output.WriteLine();
            foreach (string line in Wrap(note, "", ""))
            {
                output.WriteLine(line);
            }
        }

        if (verb.Examples.Count > 0)
        {
            output.WriteLine();
            output.WriteLine("Examples:");
            foreach (string example in verb.Examples)
            {
                output.WriteLine($"  {program} {example}");
            }
        }
    }

    /// <summary>The options that the name has.</summary>
    public static IReadOnlyList<ImgOption> OptionsOf(ImgVerb verb, ImgName name) => [.. verb.Options.Where(option => !option.IsOwnOnly || !name.FollowsTexts)];

    /// <summary>An option as it is written: <c>-f, --format FMT</c>.</summary>
    public static string Spelling(ImgOption option, ImgName name)
    {
        bool hasLong = !option.IsLetterOnly || !name.FollowsTexts;
        string letter = option.Letter == '\0' ? "    " : hasLong ? $"-{option.Letter}, " : $"-{option.Letter}";
        string text = letter + (hasLong ? $"--{option.Name}" : "");
        return option.ValueName is null ? text : hasLong ? $"{text}={option.ValueName}" : $"{text} {option.ValueName}";
    }

    private static string Synopsis(ImgVerb verb, ImgName name) =>
        string.Join(' ', [.. OptionsOf(verb, name).Select(option => $"[{Short(option)}]"), verb.Usage]).TrimEnd();

    private static string Short(ImgOption option) =>
        option.Letter == '\0'
            ? $"--{option.Name}{(option.ValueName is null ? "" : $"={option.ValueName}")}"
            : $"-{option.Letter}{(option.ValueName is null ? "" : $" {option.ValueName}")}";

    private static string ProgramOf(ImgName name) => name.FollowsTexts ? name.Program : $"{name.Program} img";

    private static void PrintOption(TextWriter output, string spelling, string help)
    {
        string first = $"  {spelling.PadRight(OptionWidth - 2)}";
        if (first.Length > OptionWidth)
        {
            output.WriteLine(first);
            first = new string(' ', OptionWidth);
        }

        foreach (string line in Wrap(help, first + " ", new string(' ', OptionWidth + 1)))
        {
            output.WriteLine(line.TrimEnd());
        }
    }

    private static IEnumerable<string> Wrap(string text, string first, string later)
    {
        string line = first;
        bool hasWord = false;
        foreach (string word in text.Split(' '))
        {
            if (hasWord && line.Length + 1 + word.Length > LineWidth)
            {
                yield return line;
                line = later;
                hasWord = false;
            }

            line += hasWord ? $" {word}" : word;
            hasWord = true;
        }

        yield return line;
    }
}
