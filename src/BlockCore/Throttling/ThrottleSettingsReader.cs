using System.Globalization;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>Reads from options what a group has beside its nineteen limits: how bursts are shaped and how members take turns. <i>QEMU: none.</i></summary>
public static class ThrottleSettingsReader
{
    private const string WindowKey = "burst-window";
    private const string PacingKey = "pacing";
    private const string FairKey = "fair-by";

    private static readonly OptionDefinition[] s_definitions =
    [
        new(WindowKey, OptionType.Integer, "milliseconds of a rate, and of a burst rate, that may go at once") { Default = ThrottleConfig.DefaultBurstWindowMs.ToString(CultureInfo.InvariantCulture) },
        new(PacingKey, OptionType.Boolean, "requests go one by one, evenly: at the burst rate while the burst lasts, else at the rate") { Default = "off" },
        new(FairKey, OptionType.Enum, "what members take turns by: requests, or what they cost") { AllowedValues = ["requests", "cost"], Default = "requests" },
    ];

    /// <summary>The options that can be read.</summary>
    public static IReadOnlyList<OptionDefinition> Definitions => s_definitions;

    /// <summary>Takes the settings that are given out of <paramref name="options"/>, whose schema has <see cref="Definitions"/>, into <paramref name="update"/>.</summary>
    /// <param name="options">The options.</param>
    /// <param name="update">What is to change.</param>
    /// <param name="isWanted">Which of those given count, by name; null for all.</param>
    /// <exception cref="BlockException">A value is malformed or out of range.</exception>
    public static void Read(OptionReader options, ThrottleLimitsUpdate update, Func<string, bool>? isWanted = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(update);
        if (IsWanted(WindowKey))
        {
            long windowMs = options.GetInteger(WindowKey);
            OptionRange.Check(WindowKey, windowMs, 0, ThrottleConfig.BurstWindowMaxMs);
            update.BurstWindowMs = (int)windowMs;
        }

        if (IsWanted(PacingKey))
        {
            update.IsPaced = options.GetBoolean(PacingKey);
        }

        if (IsWanted(FairKey))
        {
            update.IsFairByCost = options.GetEnumIndex(FairKey) == 1;
        }

        bool IsWanted(string name) => options.IsGiven(name) && isWanted?.Invoke(name) != false;
    }

    /// <summary>The settings of <paramref name="config"/> that are not at their defaults, as options.</summary>
    public static OptionsDictionary Describe(ThrottleConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        OptionsDictionary options = [];
        if (config.BurstWindowMs != ThrottleConfig.DefaultBurstWindowMs)
        {
            options[WindowKey] = (long)config.BurstWindowMs;
        }

        if (config.IsPaced)
        {
            options[PacingKey] = true;
        }

        if (config.IsFairByCost)
        {
            options[FairKey] = "cost";
        }

        return options;
    }
}
