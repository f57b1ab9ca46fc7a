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

    /// <summary>The options on a command line.</summary>
    /// <exception cref="FormatException">There is no such option, it has no value, or its value makes no sense; the message names it.</exception>
    public static StormStressOptions Read(ReadOnlySpan<string> args)
    {
        StormStressOptions options = new();
        for (; args.Length > 0; args = args[2..])
        {
            string name = args[0];
            if (args.Length == 1)
            {
                throw new FormatException($"Option '{name}' of --stress is unknown, or lacks its value");
            }

            options = name switch
            {
                "--threads" => options with { ThreadCount = Positive(name, args[1]) },
                "--minutes" => options with { Length = TimeSpan.FromMinutes(Positive(name, args[1])) },
                "--seconds" => options with { Length = TimeSpan.FromSeconds(Positive(name, args[1])) },
                "--seed" => options with { Seed = StormCommand.Number(name, args[1]) },
                _ => throw new FormatException($"There is no option '{name}' of --stress"),
            };
        }

        return options;
    }

    private static int Positive(string option, string text) => StormCommand.Number(option, text) is > 0 and int number
        ? number
        : throw new FormatException($"Option '{option}' must be above 0, not '{text}'");
}
