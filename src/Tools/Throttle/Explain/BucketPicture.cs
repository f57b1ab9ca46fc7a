using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Tools.Throttle.Explain;

/// <summary>Draws the bucket of a meter, and the second one that a burst of more than a second has, with what they hold and leak.</summary>
internal static class BucketPicture
{
    private const string Gap = "   ";
    private static readonly string[] s_unicode =
    [
        "      ▼      ",
        "│           │",
        "├ ┄ ┄ ┄ ┄ ┄ ┤",
        "│▒▒▒▒▒▒▒▒▒▒▒│",
        "│▒▒▒▒▒▒▒▒▒▒▒│",
        "└────┐ ┌────┘",
        "     └▼┘     ",
    ];

    private static readonly string[] s_ascii =
    [
        "      v      ",
        "|           |",
        "+ - - - - - +",
        "|:::::::::::|",
        "|:::::::::::|",
        "+----. .----+",
        "     'v'     ",
    ];

    /// <summary>Prints the bucket of <paramref name="meter"/>.</summary>
    public static void Print(TextWriter output, ThrottleMeterExplanation meter, bool isUnicode)
    {
        string[] bucket = isUnicode ? s_unicode : s_ascii;
        string[] words =
        [
            meter.CountsBytes ? "every request pours in its bytes" : "every request pours in its operations",
            "above the line the next request waits",
            $"capacity {QuantityText.Amount(meter.Capacity, meter.CountsBytes)}",
            "level: 0 from idle; what was done and",
            "has not leaked out yet",
            string.Empty,
            $"leaks {QuantityText.Rate(meter.Limits.Rate, meter.CountsBytes)}",
        ];
        string[] burstWords =
        [
            "and into this one, for the ceiling",
            string.Empty,
            $"capacity {QuantityText.Amount(meter.AtOnce, meter.CountsBytes)}",
            string.Empty,
            string.Empty,
            string.Empty,
            $"leaks {QuantityText.Rate(meter.Limits.Burst, meter.CountsBytes)}",
        ];
        int width = words.Max(word => word.Length);
        for (int line = 0; line < bucket.Length; line++)
        {
            string second = meter.HasCeiling ? $"{bucket[line]} {burstWords[line]}" : string.Empty;
            output.WriteLine($"{Gap}{bucket[line]} {words[line].PadRight(width)}{Gap}{second}".TrimEnd());
        }
    }
}
