using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Backend;

/// <summary>
/// The arguments of the command that gives a device its limits. It names a device in exactly one of two ways. Whatever it does not say is at its default:
/// nothing is kept of earlier limits. <i>QEMU: BlockIOThrottle.</i>
/// </summary>
public sealed record DeviceThrottleRequest
{
    private const string DeviceKey = "device";
    private const string IdKey = "id";

    /// <summary>The backend's name; deprecated.</summary>
    public string? Device { get; init; }

    /// <summary>The id of the device in front.</summary>
    public string? Id { get; init; }

    /// <summary>The limits, judged when the device is found. Where nothing is limited, the device leaves its group.</summary>
    public required ThrottleConfig Limits { get; init; }

    /// <summary>The group to be in; null: the present one, or else one that is called as the device here.</summary>
    public string? Group { get; init; }

    /// <summary>Reads the arguments as JSON has them; of the limits the six rates are mandatory.</summary>
    /// <exception cref="BlockException">An argument is missing, unknown or of the wrong type.</exception>
    public static DeviceThrottleRequest Read(OptionsDictionary arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        OptionsDictionary rest = arguments.Clone();
        string? device = TakeText(rest, DeviceKey);
        string? id = TakeText(rest, IdKey);
        ThrottleLimitsUpdate update = new();
        foreach ((ThrottleKey key, string name) in DeviceThrottleKeys.All)
        {
            update[key] = TakeInteger(rest, name);
            if (key.Part == ThrottleKeyPart.Rate && update[key] is null)
            {
                throw new BlockException($"Parameter '{name}' is missing");
            }
        }

        string? group = TakeText(rest, DeviceThrottleKeys.Group);
        return rest.Keys.FirstOrDefault() is { } unknown
            ? throw new BlockException($"Parameter '{unknown}' is unexpected")
            : new DeviceThrottleRequest { Device = device, Id = id, Limits = ThrottleConfig.Unlimited.Merge(update), Group = group };
    }

    /// <summary>Checks the limits, in the words of this command.</summary>
    /// <exception cref="BlockException">The first rule that is broken.</exception>
    internal void Validate()
    {
        for (ThrottleMeter meter = ThrottleMeter.BpsTotal; meter <= ThrottleMeter.IopsWrite; meter++)
        {
            if (Limits[meter].BurstLengthSeconds is < 0 or > ThrottleLimits.BurstLengthMaxSeconds)
            {
                string name = DeviceThrottleKeys.NameOf(ThrottleKeys.Of(meter, ThrottleKeyPart.BurstLength));
                throw new BlockException($"{name} value must be in the range [0, {ThrottleLimits.BurstLengthMaxSeconds}]");
            }
        }

        Limits.Validate();
    }

    private static string? TakeText(OptionsDictionary arguments, string name) => arguments.Take(name) switch
    {
        null => null,
        OptionText text => text.Text,
        _ => throw WrongType(name, "string"),
    };

    // Typed already: text is not converted.
    private static long? TakeInteger(OptionsDictionary arguments, string name) => arguments.Take(name) switch
    {
        null => null,
        OptionInteger { Value: var value } when value >= long.MinValue && value <= long.MaxValue => (long)value,
        _ => throw WrongType(name, "integer"),
    };

    private static BlockException WrongType(string name, string expected) => new($"Invalid parameter type for '{name}', expected: {expected}");
}
