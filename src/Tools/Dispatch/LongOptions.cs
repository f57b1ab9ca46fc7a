using System.Diagnostics.CodeAnalysis;

namespace BlockGraph.Tools.Dispatch;

/// <summary>One option of a command line in the manner of the C library's getopt_long().</summary>
/// <param name="Letter">The short form; NUL for none.</param>
/// <param name="Name">The long form.</param>
/// <param name="TakesValue">Whether a value follows.</param>
/// <param name="IsLetterOnly">The long form is a name for the program only: nobody can write it.</param>
internal sealed record LongOption(char Letter, string Name, bool TakesValue = false, bool IsLetterOnly = false);

/// <summary>Why a command line cannot be read.</summary>
/// <param name="Argument">The option at fault as QEMU's programs tell it, which is the word before it where it is a letter with others behind it; null where the command itself stands there.</param>
/// <param name="Text">What getopt_long() says of it.</param>
/// <param name="IsValueMissing">It needs a value and has none; otherwise there is no such option, or it takes no value.</param>
internal sealed record LongOptionFault(string? Argument, string Text, bool IsValueMissing = false);

/// <summary>
/// Reads a command line by getopt_long()'s rules: letters bundled or not, long names abbreviated where that is unique, operands
/// anywhere, <c>--</c> ends the options.
/// </summary>
internal sealed class LongOptions(IReadOnlyList<LongOption> declared)
{
    private readonly List<KeyValuePair<string, string?>> _found = [];
    private readonly List<string> _operands = [];

    /// <summary>The options by long name with their values, in the order given.</summary>
    public IReadOnlyList<KeyValuePair<string, string?>> Found => _found;

    /// <summary>What is no option.</summary>
    public IReadOnlyList<string> Operands => _operands;

    /// <summary>Reads <paramref name="arguments"/>; where it cannot, <paramref name="fault"/> says why.</summary>
    public bool TryRead(IReadOnlyList<string> arguments, [NotNullWhen(false)] out LongOptionFault? fault)
    {
        fault = null;
        for (int i = 0; i < arguments.Count && fault is null; i++)
        {
            string argument = arguments[i];
            if (argument == "--")
            {
                _operands.AddRange(arguments.Skip(i + 1));
                break;
            }

            if (argument.StartsWith("--", StringComparison.Ordinal))
            {
                fault = TakeLong(argument, arguments, ref i);
            }
            else if (argument is ['-', _, ..])
            {
                fault = TakeLetters(argument, arguments, ref i);
            }
            else
            {
                _operands.Add(argument);
            }
        }

        return fault is null;
    }

    private LongOptionFault? TakeLong(string argument, IReadOnlyList<string> arguments, ref int index)
    {
        int equals = argument.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? argument[2..] : argument[2..equals];
        LongOption[] matches = declared.Where(option => option.Name == name && !option.IsLetterOnly).ToArray();
        if (matches.Length == 0)
        {
            matches = declared.Where(option => option.Name.StartsWith(name, StringComparison.Ordinal) && !option.IsLetterOnly).ToArray();
        }

        if (matches.Length != 1)
        {
            string possibilities = string.Concat(matches.Select(option => $" '--{option.Name}'"));
            return new LongOptionFault(argument, matches.Length == 0 ? $"unrecognized option '{argument}'" : $"option '{argument}' is ambiguous; possibilities:{possibilities}");
        }

        LongOption found = matches[0];
        if (!found.TakesValue)
        {
            _found.Add(new(found.Name, null));
            return equals < 0 ? null : new LongOptionFault(argument, $"option '--{found.Name}' doesn't allow an argument");
        }

        if (equals < 0 && index + 1 == arguments.Count)
        {
            return new LongOptionFault(argument, $"option '--{found.Name}' requires an argument", IsValueMissing: true);
        }

        _found.Add(new(found.Name, equals < 0 ? arguments[++index] : argument[(equals + 1)..]));
        return null;
    }

    private LongOptionFault? TakeLetters(string argument, IReadOnlyList<string> arguments, ref int index)
    {
        for (int at = 1; at < argument.Length; at++)
        {
            LongOption? found = declared.FirstOrDefault(option => option.Letter == argument[at]);
            if (found is null)
            {
                return new LongOptionFault(at + 1 == argument.Length ? argument : WordBefore(arguments, index), $"invalid option -- '{argument[at]}'");
            }

            if (!found.TakesValue)
            {
                _found.Add(new(found.Name, null));
                continue;
            }

            if (at + 1 == argument.Length && index + 1 == arguments.Count)
            {
                return new LongOptionFault(argument, $"option requires an argument -- '{found.Letter}'", IsValueMissing: true);
            }

            _found.Add(new(found.Name, at + 1 < argument.Length ? argument[(at + 1)..] : arguments[++index]));
            break;
        }

        return null;
    }

    // With letters still to come getopt() has not gone on, and a program that looks for the option behind itself finds what stands before it: operands are moved there.
    private string? WordBefore(IReadOnlyList<string> arguments, int index) => _operands.Count > 0 ? _operands[^1] : index > 0 ? arguments[index - 1] : null;
}
