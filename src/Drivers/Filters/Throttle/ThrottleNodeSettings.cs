using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Filters.Throttle;

/// <summary>What a throttled node has for itself, whatever its group: its share, what its requests are charged, how long they may wait.</summary>
/// <param name="Share">What it may have of what the group admits.</param>
/// <param name="Discards">What a discard is charged.</param>
/// <param name="Zeroes">What a write of zeroes is charged.</param>
/// <param name="Flushes">What a flush is charged; it has no bytes.</param>
/// <param name="MaxWaitMs">For how long a request may wait, in milliseconds; 0 for ever.</param>
internal sealed record ThrottleNodeSettings(ThrottleShare Share, ThrottleCharge Discards, ThrottleCharge Zeroes, ThrottleCharge Flushes, int MaxWaitMs)
{
    private const string DiscardKey = "discard-accounting";
    private const string ZeroesKey = "zeroes-accounting";
    private const string FlushKey = "flush-accounting";
    private const string MaxWaitKey = "max-wait";

    private static readonly OptionDefinition[] s_definitions =
    [
        .. ThrottleShareReader.Definitions,
        Charge(DiscardKey, "what a discard is charged: its bytes and an operation, only that, or nothing", "full"),
        Charge(ZeroesKey, "what a write of zeroes is charged", "full"),
        Charge(FlushKey, "what a flush is charged; it has no bytes", "none"),
        new(MaxWaitKey, OptionType.Integer, "milliseconds that a request may wait before it fails; 0 for ever") { Default = "0" },
    ];

    /// <summary>The options that say it.</summary>
    public static IReadOnlyList<OptionDefinition> Definitions => s_definitions;

    /// <summary>Reads it from the options of the node.</summary>
    /// <exception cref="BlockException">A value is malformed or out of range.</exception>
    public static ThrottleNodeSettings Read(OptionReader reader)
    {
        long maxWaitMs = reader.GetInteger(MaxWaitKey);
        OptionRange.Check(MaxWaitKey, maxWaitMs, 0, int.MaxValue);
        return new ThrottleNodeSettings(
            ThrottleShareReader.Read(reader),
            (ThrottleCharge)reader.GetEnumIndex(DiscardKey),
            (ThrottleCharge)reader.GetEnumIndex(ZeroesKey),
            (ThrottleCharge)reader.GetEnumIndex(FlushKey),
            (int)maxWaitMs);
    }

    /// <summary>What of it is not at its default, as options.</summary>
    public OptionsDictionary Describe()
    {
        OptionsDictionary options = ThrottleShareReader.Describe(Share);
        AddCharge(DiscardKey, Discards);
        AddCharge(ZeroesKey, Zeroes);
        AddCharge(FlushKey, Flushes);
        if (MaxWaitMs != 0)
        {
            options[MaxWaitKey] = (long)MaxWaitMs;
        }

        return options;

        void AddCharge(string key, ThrottleCharge charge)
        {
            OptionDefinition definition = s_definitions.Single(option => option.Name == key);
            string word = definition.AllowedValues[(int)charge];
            if (word != definition.Default)
            {
                options[key] = word;
            }
        }
    }

    private static OptionDefinition Charge(string name, string help, string fallback) =>
        new(name, OptionType.Enum, help) { AllowedValues = ["full", "ops-only", "none"], Default = fallback };
}
