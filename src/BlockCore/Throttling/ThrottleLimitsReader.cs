using System.Globalization;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// Reads limits from options as one place of configuration spells them: the nineteen keys behind a prefix. What it takes, alone,
/// <see cref="ThrottleConfig.Validate"/> judges over what is in force. <i>QEMU: throttle_parse_options() and its like.</i>
/// </summary>
/// <param name="Prefix">What stands before a key, such as <c>limits.</c>.</param>
public sealed record ThrottleLimitsReader(string Prefix)
{
    /// <summary>The options of a throttle node: <c>limits.iops-total</c>.</summary>
    public static ThrottleLimitsReader Node { get; } = new("limits.");

    /// <summary>The <c>limits</c> of a group object, whose rules name keys without a prefix.</summary>
    public static ThrottleLimitsReader Nested { get; } = new("limits.") { ErrorPrefix = string.Empty };

    /// <summary>The flat form of a group object: <c>x-iops-total</c>. Every value is judged for itself as soon as it is read.</summary>
    public static ThrottleLimitsReader Flat { get; } = new("x-") { ChecksValues = true };

    /// <summary>What stands before a key in the errors of <see cref="ThrottleConfig.Validate"/>.</summary>
    public string ErrorPrefix { get; init; } = Prefix;

    /// <summary>Whether a negative value, or a burst length out of range, is refused whatever else is given.</summary>
    public bool ChecksValues { get; init; }

    /// <summary>How the text of a burst length out of range has the words between <c>be in</c> and the range.</summary>
    public string RangeWords { get; init; } = "the range";

    /// <summary>The options that can be read, in the order of <see cref="ThrottleKeys.All"/>.</summary>
    public IEnumerable<OptionDefinition> Definitions => ThrottleKeys.All.Select(key => new OptionDefinition(Prefix + key.Name, OptionType.Integer, key.Help)
    {
        Default = key.DefaultValue.ToString(CultureInfo.InvariantCulture),
    });

    /// <summary>Takes the limits that are given, and only those, out of <paramref name="options"/>, whose schema has <see cref="Definitions"/>.</summary>
    /// <param name="options">The options.</param>
    /// <param name="isWanted">Which of those given count, by name; null for all.</param>
    /// <exception cref="BlockException">A value is malformed, or out of range where values are judged.</exception>
    public ThrottleLimitsUpdate Read(OptionReader options, Func<string, bool>? isWanted = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ThrottleLimitsUpdate limits = new();
        foreach (ThrottleKey key in ThrottleKeys.All)
        {
            string name = Prefix + key.Name;
            if (options.IsGiven(name) && isWanted?.Invoke(name) != false)
            {
                long value = options.GetInteger(name);
                limits[key] = ChecksValues ? Checked(key, name, value) : value;
            }
        }

        return limits;
    }

    private long Checked(ThrottleKey key, string name, long value)
    {
        if (value < 0)
        {
            throw new BlockException("Property values cannot be negative");
        }

        if (key.Part == ThrottleKeyPart.BurstLength && value > ThrottleLimits.BurstLengthMaxSeconds)
        {
            throw new BlockException($"{name} value must be in {RangeWords} [0, {ThrottleLimits.BurstLengthMaxSeconds}]");
        }

        return value;
    }
}
