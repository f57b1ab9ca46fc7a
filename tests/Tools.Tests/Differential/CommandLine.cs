using System.Text;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>A command line as a shell reads it: words between blanks, single quotes around a word with blanks.</summary>
internal sealed record CommandLine(IReadOnlyList<string> Words)
{
    public string Program => Words[0];

    public string[] Arguments => [.. Words.Skip(1)];

    public static CommandLine Parse(string text) => new(Split(text));

    /// <summary>The words of <paramref name="text"/>.</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        List<string> words = [];
        StringBuilder word = new();
        bool isQuoted = false;
        bool hasWord = false;
        foreach (char symbol in text)
        {
            if (symbol == '\'')
            {
                isQuoted = !isQuoted;
                hasWord = true;
            }
            else if (symbol == ' ' && !isQuoted)
            {
                EndWord();
            }
            else
            {
                word.Append(symbol);
                hasWord = true;
            }
        }

        EndWord();
        return words;

        void EndWord()
        {
            if (hasWord)
            {
                words.Add(word.ToString());
            }

            word.Clear();
            hasWord = false;
        }
    }

    public override string ToString() => string.Join(' ', Words.Select(word => word.Length == 0 || word.Any(letter => " \"{}[]*?;#".Contains(letter, StringComparison.Ordinal)) ? $"'{word}'" : word));
}
