using System.Globalization;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>How a stress on real threads is run.</summary>
internal sealed record StormStressOptions
{
    /// <summary>How many threads requests come from, beside the main loop's.</summary>
    public int ThreadCount { get; init; } = 8;

    /// <summary>After how long no further storm begins.</summary>
    public TimeSpan Length { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The seed of the first storm; each has the next.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The options on a command line; null where they make no sense.</summary>
    /// <exception cref="FormatException">A number is none.</exception>
    public static StormStressOptions? Read(ReadOnlySpan<string> args)
    {
        StormStressOptions options = new();
        for (; args.Length >= 2; args = args[2..])
        {
            int number = int.Parse(args[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            switch (args[0])
            {
                case "--threads" when number > 0:
                    options = options with { ThreadCount = number };
                    break;
                case "--minutes" when number > 0:
                    options = options with { Length = TimeSpan.FromMinutes(number) };
                    break;
                case "--seconds" when number > 0:
                    options = options with { Length = TimeSpan.FromSeconds(number) };
                    break;
                case "--seed":
                    options = options with { Seed = number };
                    break;
                default:
                    return null;
            }
        }

        return args.Length == 0 ? options : null;
    }
}
