using System.Diagnostics.CodeAnalysis;

namespace BlockGraph.Tools.Io;

/// <summary>
/// The switches and operands of one command. Single letters, bundled or not, before, between or after the operands; a letter
/// with a colon behind it in the declaration takes a value; <c>--</c> ends the switches. <i>QEMU: getopt().</i>
/// </summary>
internal sealed class IoSwitches
{
    private readonly HashSet<char> _flags = [];
    private readonly Dictionary<char, string> _values = [];
    private readonly List<string> _operands = [];

    /// <summary>What is neither a switch nor the value of one.</summary>
    public IReadOnlyList<string> Operands => _operands;

    /// <summary>True where the switch <paramref name="letter"/> is given.</summary>
    public bool Has(char letter) => _flags.Contains(letter) || _values.ContainsKey(letter);

    /// <summary>The last value of the switch <paramref name="letter"/>, or null.</summary>
    public string? Value(char letter) => _values.GetValueOrDefault(letter);

    /// <summary>Sorts <paramref name="arguments"/>; where it cannot, <paramref name="error"/> says why.</summary>
    public static bool TryParse(string declared, IReadOnlyList<string> arguments, [NotNullWhen(true)] out IoSwitches? switches, [NotNullWhen(false)] out string? error)
    {
        switches = new IoSwitches();
        error = null;
        if (declared.Length == 0)
        {
            // A command without switches takes every word as it is, a negative number for one.
            switches._operands.AddRange(arguments);
            return true;
        }

        for (int i = 0; i < arguments.Count && error is null; i++)
        {
            string argument = arguments[i];
            if (argument == "--")
            {
                switches._operands.AddRange(arguments.Skip(i + 1));
                break;
            }

            if (argument is ['-', _, ..])
            {
                error = switches.TakeBundle(declared, arguments, ref i);
            }
            else
            {
                switches._operands.Add(argument);
            }
        }

        if (error is not null)
        {
            switches = null;
        }

        return error is null;
    }

    private string? TakeBundle(string declared, IReadOnlyList<string> arguments, ref int index)
    {
        string bundle = arguments[index];
        for (int at = 1; at < bundle.Length; at++)
        {
            char letter = bundle[at];
            int position = letter == ':' ? -1 : declared.IndexOf(letter, StringComparison.Ordinal);
            if (position < 0)
            {
                return $"invalid option -- '{letter}'";
            }

            if (position + 1 == declared.Length || declared[position + 1] != ':')
            {
                _flags.Add(letter);
                continue;
            }

            if (at + 1 == bundle.Length && index + 1 == arguments.Count)
            {
                return $"option requires an argument -- '{letter}'";
            }

            _values[letter] = at + 1 < bundle.Length ? bundle[(at + 1)..] : arguments[++index];
            break;
        }

        return null;
    }
}
