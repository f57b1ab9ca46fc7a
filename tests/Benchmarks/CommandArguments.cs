using System.Globalization;

namespace BlockGraph.Benchmarks;

/// <summary>The arguments of one command: <c>--name value</c> pairs, flags, and <c>--json</c>.</summary>
internal sealed class CommandArguments
{
    private readonly Dictionary<string, string> _values = [];
    private readonly HashSet<string> _flags = [];

    /// <summary>Reads <paramref name="args"/>, of which only <paramref name="names"/> and json are known.</summary>
    /// <exception cref="ArgumentException">A name is unknown or has no value.</exception>
    public CommandArguments(string[] args, params string[] names)
        : this(args, names, [])
    {
    }

    /// <summary>Reads <paramref name="args"/>, of which only <paramref name="names"/>, <paramref name="flags"/>, which take no value, and json are known.</summary>
    /// <exception cref="ArgumentException">A name is unknown or has no value.</exception>
    public CommandArguments(string[] args, string[] names, string[] flags)
    {
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i].StartsWith("--", StringComparison.Ordinal) ? args[i][2..] : string.Empty;
            if (name == "json")
            {
                IsJson = true;
            }
            else if (Array.IndexOf(flags, name) >= 0)
            {
                _flags.Add(name);
            }
            else if (Array.IndexOf(names, name) >= 0 && i + 1 < args.Length)
            {
                _values[name] = args[++i];
            }
            else
            {
                throw new ArgumentException($"unknown argument, or one without its value: {args[i]}");
            }
        }
    }

    /// <summary>Whether the answer is one JSON array instead of a table.</summary>
    public bool IsJson { get; }

    /// <summary>Whether a flag is given.</summary>
    public bool Has(string flag) => _flags.Contains(flag);

    /// <summary>A text, or null where it is absent.</summary>
    public string? Text(string name) => _values.GetValueOrDefault(name);

    /// <summary>A positive whole number.</summary>
    public long Number(string name, long fallback)
    {
        if (!_values.TryGetValue(name, out string? text))
        {
            return fallback;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value > 0
            ? value
            : throw new ArgumentException($"--{name} wants a positive number, not '{text}'");
    }

    /// <summary>A positive number, perhaps with a fraction.</summary>
    public double Factor(string name, double fallback)
    {
        if (!_values.TryGetValue(name, out string? text))
        {
            return fallback;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value is > 0 and < double.PositiveInfinity
            ? value
            : throw new ArgumentException($"--{name} wants a positive number, not '{text}'");
    }
}
