using System.Text.RegularExpressions;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>
/// Makes command lines from a grammar, the same ones on every run: each verb has a chance of its own, so that a change of one grammar leaves the others' lines as they were. About
/// half of the lines are made wrong on purpose, in one place.
/// </summary>
internal sealed partial class CommandLineGenerator(string program, VerbGrammar grammar, int seed = CommandLineGenerator.Seed)
{
    /// <summary>What the checked-in page is made with.</summary>
    public const int Seed = 20261126;

    private const int TriesPerLine = 50;
    private const int MostOptions = 2;
    private const int MostSteps = 3;
    private const int MostLooks = 3;
    private readonly Random _random = new(seed + grammar.Verb.Sum(letter => letter) + (grammar.Format == "raw" ? 0 : 1000 * grammar.Format.Length));

    /// <summary><paramref name="count"/> different cases.</summary>
    public IReadOnlyList<DifferentialCase> Make(int count)
    {
        HashSet<string> seen = [];
        List<DifferentialCase> cases = [];
        foreach (string line in grammar.Fixed)
        {
            Add(new DifferentialCase(grammar.Verb, grammar.Format, [.. Sequence(line)]));
        }

        for (int i = 0; i < count * TriesPerLine && cases.Count < count; i++)
        {
            Add(MakeCase());
        }

        return cases;

        void Add(DifferentialCase made)
        {
            if (seen.Add(made.ToString()))
            {
                cases.Add(made);
            }
        }
    }

    private DifferentialCase MakeCase()
    {
        List<CommandLine> lines = [];
        if (grammar.Made.Count > 0)
        {
            lines.AddRange(Sequence(Expand(Pick(grammar.Made))));
        }

        foreach (string step in PickSome(grammar.Steps, MostSteps))
        {
            lines.AddRange(Sequence(Expand(step)));
        }

        if (grammar.Before.Count > 0 && Chance(4))
        {
            lines.AddRange(Sequence(Expand(Pick(grammar.Before))));
        }

        lines.Add(MakeLine());
        if (grammar.After.Count > 0 && Chance(3))
        {
            lines.AddRange(Sequence(Expand(Pick(grammar.After))));
        }

        foreach (string look in PickSome(grammar.Looks, MostLooks))
        {
            lines.AddRange(Sequence(Expand(look)));
        }

        if (grammar.Last.Length > 0)
        {
            lines.Add(CommandLine.Parse(grammar.Last));
        }

        return new DifferentialCase(grammar.Verb, grammar.Format, lines);
    }

    private CommandLine MakeLine()
    {
        int fault = _random.Next(12);
        List<IReadOnlyList<string>> options = [.. PickSome(grammar.Options, MostOptions).Select(option => CommandLine.Split(Expand(option)))];
        string operandText = Pick(fault is 0 or 1 or 2 ? grammar.WrongOperands : grammar.Operands);
        if (fault is 3 or 4 && grammar.WrongOptions.Count > 0)
        {
            options.Insert(_random.Next(options.Count + 1), CommandLine.Split(Expand(Pick(grammar.WrongOptions))));
        }

        List<string> operands = [.. CommandLine.Split(Expand(operandText))];
        switch (fault)
        {
            case 5 when !grammar.HasOwnRefusal:
                options.Insert(_random.Next(options.Count + 1), [Pick(["--nope", "-Z", "--foo=1", "-"])]);
                break;
            case 6 when Chance(2):
                operands.Add("surplus");
                break;
            case 6:
                operands.RemoveAt(operands.Count - 1);
                break;
            default:
                break;
        }

        List<string> words = [program, .. grammar.Verb == program ? [] : new[] { grammar.Verb }, .. CommandLine.Split(grammar.Always)];
        bool hasOptionsFirst = grammar.HasOperandsLast || !Chance(4);
        words.AddRange(hasOptionsFirst ? [.. options.SelectMany(option => option), .. operands] : [.. operands, .. options.SelectMany(option => option)]);
        return new CommandLine(words);
    }

    // Words are drawn from left to right, those within a word before what stands behind it.
    private string Expand(string text) => PlacePattern().Replace(text, place => Expand(Pick(GrammarWords.Of(place.Groups["name"].Value))));

    private static IEnumerable<CommandLine> Sequence(string lines) => lines.Split("; ").Select(CommandLine.Parse);

    private List<string> PickSome(IReadOnlyList<string> choices, int most)
    {
        List<string> picked = [];
        for (int i = choices.Count > 0 ? _random.Next(most + 1) : 0; i > 0; i--)
        {
            string choice = Pick(choices);
            if (!picked.Contains(choice))
            {
                picked.Add(choice);
            }
        }

        return picked;
    }

    private string Pick(IReadOnlyList<string> choices) => choices[_random.Next(choices.Count)];

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    [GeneratedRegex(@"\{(?<name>[a-z]+)\}", RegexOptions.ExplicitCapture)]
    private static partial Regex PlacePattern();
}
