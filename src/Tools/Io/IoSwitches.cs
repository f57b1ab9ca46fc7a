namespace BlockGraph.Tools.Io;

/// <summary>
/// The switches and operands of one command. Single letters, bundled or not, before, between or after the operands; <c>--</c> ends the
/// switches. The first that is wrong ends the reading, and is told. <i>QEMU: getopt().</i>
/// </summary>
internal sealed class IoSwitches
{
    private readonly HashSet<char> _flags = [];
    private readonly Dictionary<char, List<string>> _values = [];
    private readonly List<string> _operands = [];

    /// <summary>What is neither a switch nor the value of one.</summary>
    public IReadOnlyList<string> Operands => _operands;

    /// <summary>True where the switch <paramref name="letter"/> is given.</summary>
    public bool Has(char letter) => _flags.Contains(letter) || _values.ContainsKey(letter);

    /// <summary>The last value of the switch <paramref name="letter"/>, or null.</summary>
    public string? Value(char letter) => Values(letter) is [.., { } last] ? last : null;

    /// <summary>Every value of the switch <paramref name="letter"/>, in the order given.</summary>
    public IReadOnlyList<string> Values(char letter) => _values.TryGetValue(letter, out List<string>? values) ? values : [];

    /// <summary>Sorts <paramref name="arguments"/>; null where the command is over with that, and whoever is to know has been told.</summary>
    /// <param name="session">Where to tell it.</param>
    /// <param name="command">Whose they are.</param>
    /// <param name="name">The name that the command was called by.</param>
    /// <param name="arguments">What follows the name.</param>
    /// <param name="result">The command's result where it is over.</param>
    public static IoSwitches? Read(IoSession session, IoCommand command, string name, IReadOnlyList<string> arguments, out bool result)
    {
        result = false;
        IoSwitches switches = new();
        if (command.Switches.Count == 0)
        {
            // A command without switches takes every word as it is, a negative number for one.
            switches._operands.AddRange(arguments);
            return switches;
        }

        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (argument == "--")
            {
                switches._operands.AddRange(arguments.Skip(i + 1));
                break;
            }

            if (argument is not ['-', _, ..])
            {
                switches._operands.Add(argument);
            }
            else if (switches.TakeBundle(session, command, name, arguments, ref i) is { } over)
            {
                result = over;
                return null;
            }
        }

        return switches;
    }

    private bool? TakeBundle(IoSession session, IoCommand command, string name, IReadOnlyList<string> arguments, ref int index)
    {
        string bundle = arguments[index];
        for (int at = 1; at < bundle.Length; at++)
        {
            char letter = bundle[at];
            if (command.Switches.FirstOrDefault(known => known.Letter == letter) is not { } found)
            {
                return Refuse(session, command, $"{name}: invalid option -- '{letter}'");
            }

            bool isLast = at + 1 == bundle.Length;
            if (found.ValueName is not null && isLast && index + 1 == arguments.Count)
            {
                return Refuse(session, command, $"{name}: option requires an argument -- '{letter}'");
            }

            string? value = found.ValueName is null ? null : isLast ? arguments[++index] : bundle[(at + 1)..];
            if (command.Meet(session, this, letter, value) is { } over)
            {
                return over;
            }

            if (value is not null)
            {
                _values[letter] = [.. Values(letter), value];
                break;
            }

            _flags.Add(letter);
        }

        return null;
    }

    private static bool Refuse(IoSession session, IoCommand command, string error)
    {
        session.Error.WriteLine(error);
        session.Out.WriteLine(command.UsageLine(session.Settings));
        return false;
    }
}
