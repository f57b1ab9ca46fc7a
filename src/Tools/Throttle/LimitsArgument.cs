using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Tools.Throttle;

/// <summary>
/// Reads the limits that a command is given: the keys alone, with or without what stands before them elsewhere, as key=value or as JSON; or the
/// options of a whole graph with a throttle node in it.
/// </summary>
internal static class LimitsArgument
{
    /// <summary>What an argument looks like, for help.</summary>
    public const string Description = "limits: iops-total=100,iops-total-max=1000,..., with or without 'limits.'; JSON in braces; or a whole 'driver=throttle,...'";

    private const string DriverKey = "driver";
    private const string DriverName = "throttle";
    private const string LimitsPrefix = "limits.";
    private static readonly string[] s_prefixes = [LimitsPrefix, "throttling.", "x-"];

    /// <summary>The limits in <paramref name="argument"/>, merged over none and valid.</summary>
    /// <exception cref="BlockException">It is malformed, or the limits are not valid.</exception>
    public static ThrottleConfig Read(string argument)
    {
        if (!argument.StartsWith('{') && !argument.Contains('=', StringComparison.Ordinal) && !PseudoFileName.IsPseudoFileName(argument))
        {
            throw new BlockException($"there are no limits in '{argument}'") { Hint = "write iops-total=100, for instance" };
        }

        OptionsDictionary options = CommandOptions.Read(argument).Flatten();
        string? layer = options.ContainsKey(DriverKey) ? FindThrottleLayer(options) : null;
        ThrottleLimitsUpdate update = new();
        ReadSettings(options, layer ?? string.Empty, update);
        string keyPrefix = layer is null ? string.Empty : layer + LimitsPrefix;
        foreach ((string key, OptionValue value) in options)
        {
            if (layer is not null && !key.StartsWith(keyPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            string prefix = layer is not null ? keyPrefix : Array.Find(s_prefixes, prefix => key.StartsWith(prefix, StringComparison.Ordinal)) ?? string.Empty;
            keyPrefix = prefix.Length == 0 ? keyPrefix : prefix;
            Set(update, key, key[prefix.Length..], value, isOption: layer is not null);
        }

        ThrottleConfig config = ThrottleConfig.Unlimited.Merge(update);
        config.Validate(keyPrefix);
        return config;
    }

    // What shapes the bursts stands beside the limits, not among them.
    private static void ReadSettings(OptionsDictionary options, string layer, ThrottleLimitsUpdate update)
    {
        OptionsDictionary settings = [];
        foreach (OptionDefinition definition in ThrottleSettingsReader.Definitions)
        {
            if (options.Take(layer + definition.Name) is { } value)
            {
                settings[definition.Name] = value;
            }
        }

        ThrottleSettingsReader.Read(new OptionReader(settings, new OptionSchema([.. ThrottleSettingsReader.Definitions])), update);
    }

    private static void Set(ThrottleLimitsUpdate update, string key, string name, OptionValue value, bool isOption)
    {
        if (!ThrottleKeys.TryFind(name, out ThrottleKey? limit))
        {
            string? nearest = NearestText.Find(name, ThrottleKeys.All.Select(known => known.Name));
            throw new BlockException(isOption ? $"Block format '{DriverName}' does not support the option '{key}'" : $"Parameter '{key}' is unexpected")
            {
                Hint = nearest is null ? null : $"did you mean '{key[..^name.Length]}{nearest}'?",
            };
        }

        if (update[limit] is not null)
        {
            throw new BlockException($"Parameter '{key}' is given twice");
        }

        update[limit] = NumberText.Parse(key, value.AsText ?? string.Empty);
    }

    // The first throttle node on the way down, as the start of its keys.
    private static string FindThrottleLayer(OptionsDictionary options)
    {
        string layer = string.Empty;
        while (options.GetText(layer + DriverKey) is { } driver)
        {
            if (driver == DriverName)
            {
                return layer;
            }

            layer += "file.";
        }

        throw new BlockException("there is no throttle node in these options") { Hint = "one reads driver=throttle,limits.iops-total=100,file.filename=NAME" };
    }
}
