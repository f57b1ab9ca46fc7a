using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>The limits of a row, written as option strings and as JSON have them.</summary>
internal static class LimitsText
{
    /// <summary>The limits of the JSON text <paramref name="json"/>; an empty one is no limits.</summary>
    public static ThrottleConfig Config(string json) => ThrottleConfig.Unlimited.Merge(Update(json.Length == 0 ? new OptionsDictionary() : JsonOptions.Parse(json)));

    /// <summary>The limits that <paramref name="limits"/>, all of whose values are numbers, name.</summary>
    public static ThrottleLimitsUpdate Update(OptionValue limits)
    {
        ThrottleLimitsUpdate update = new();
        foreach ((string key, OptionValue value) in (OptionsDictionary)limits)
        {
            update[key] = NumberText.Parse(key, value.AsText!);
        }

        return update;
    }

    /// <summary>The settings <paramref name="settings"/> as a node spells them.</summary>
    public static OptionsDictionary OfNode(OptionsDictionary settings)
    {
        OptionsDictionary options = settings.Clone();
        if (options.Take("parent") is { } parent)
        {
            options["throttle-parent"] = parent;
        }

        return options;
    }

    /// <summary><c>,PREFIXkey=value,…</c> for an option string, or <c>,NAME=value</c> where <paramref name="limits"/> is no object.</summary>
    public static string Keyval(string prefix, OptionValue limits) => limits is OptionsDictionary dictionary
        ? string.Concat(dictionary.Flatten().Where(entry => entry.Value.AsText is not null).Select(entry => $",{prefix}{entry.Key}={entry.Value.AsText}"))
        : $",{prefix.TrimEnd('.')}={limits.AsText}";
}
