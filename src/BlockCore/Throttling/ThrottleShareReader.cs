using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>Reads a <see cref="ThrottleShare"/> from the options <c>share.*</c>. <i>QEMU: none.</i></summary>
public static class ThrottleShareReader
{
    /// <summary>What stands before a key.</summary>
    public const string Prefix = "share.";

    private const string WeightKey = Prefix + "weight";
    private const string ReservationIopsKey = Prefix + "reservation-iops";
    private const string ReservationBpsKey = Prefix + "reservation-bps";
    private const string LimitIopsKey = Prefix + "limit-iops";
    private const string LimitBpsKey = Prefix + "limit-bps";

    private static readonly OptionDefinition[] s_definitions =
    [
        new(WeightKey, OptionType.Integer, "how much it gets for each unit of one with weight 1, while both wait") { Default = "1" },
        new(ReservationIopsKey, OptionType.Integer, "operations per second that it gets before others get more; 0 for none") { Default = "0" },
        new(ReservationBpsKey, OptionType.Integer, "bytes per second that it gets before others get more; 0 for none") { Default = "0" },
        new(LimitIopsKey, OptionType.Integer, "operations per second that it never exceeds; 0 for no limit") { Default = "0" },
        new(LimitBpsKey, OptionType.Integer, "bytes per second that it never exceeds; 0 for no limit") { Default = "0" },
    ];

    /// <summary>The options that can be read.</summary>
    public static IReadOnlyList<OptionDefinition> Definitions => s_definitions;

    /// <summary>The share that <paramref name="options"/>, whose schema has <see cref="Definitions"/>, say, checked as a whole.</summary>
    /// <exception cref="BlockException">A value is malformed or out of range, or they do not go together.</exception>
    public static ThrottleShare Read(OptionReader options)
    {
        ArgumentNullException.ThrowIfNull(options);
        long weight = options.GetInteger(WeightKey);
        OptionRange.Check(WeightKey, weight, 1, ThrottleShare.WeightMax);
        ThrottleShare share = new()
        {
            Weight = (int)weight,
            ReservationIops = options.GetInteger(ReservationIopsKey),
            ReservationBps = options.GetInteger(ReservationBpsKey),
            LimitIops = options.GetInteger(LimitIopsKey),
            LimitBps = options.GetInteger(LimitBpsKey),
        };
        share.Validate(Prefix);
        return share;
    }

    /// <summary>What of <paramref name="share"/> is not at its default, as options.</summary>
    public static OptionsDictionary Describe(ThrottleShare share)
    {
        ArgumentNullException.ThrowIfNull(share);
        OptionsDictionary options = [];
        Add(WeightKey, share.Weight, ThrottleShare.Default.Weight);
        Add(ReservationIopsKey, share.ReservationIops, 0);
        Add(ReservationBpsKey, share.ReservationBps, 0);
        Add(LimitIopsKey, share.LimitIops, 0);
        Add(LimitBpsKey, share.LimitBps, 0);
        return options;

        void Add(string key, long value, long fallback)
        {
            if (value != fallback)
            {
                options[key] = value;
            }
        }
    }
}
