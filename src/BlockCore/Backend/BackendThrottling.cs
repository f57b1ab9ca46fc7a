using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Backend;

/// <summary>The limits that a device begins with. Where they limit nothing it is in no group, whatever name is given. <i>QEMU: throttling.* of -drive.</i></summary>
/// <param name="Limits">The limits; they become those of the group, whoever else is in it.</param>
/// <param name="GroupName">The group's name; null: the backend's, or without one a group of its own.</param>
public sealed record BackendThrottling(ThrottleConfig Limits, string? GroupName = null)
{
    private const string Prefix = "throttling.";
    private const string GroupKey = Prefix + DeviceThrottleKeys.Group;

    private static readonly ThrottleLimitsReader s_limits = new(Prefix);
    private static readonly OptionSchema s_schema = new(
    [
        new OptionDefinition(GroupKey, OptionType.String, "the group to share limits with; one called as the device where absent"),
        .. s_limits.Definitions,
    ]);

    /// <summary>True where the limits are the nineteen keys alone, so that how the group goes about stays as it is.</summary>
    internal bool KeepsShape { get; init; }

    /// <summary>Takes <c>throttling.*</c>, and the old names without a prefix, out of <paramref name="options"/>, nested or flat; null where nothing is limited.</summary>
    /// <exception cref="BlockException">A value is malformed, is given under both names, or the limits contradict one another.</exception>
    public static BackendThrottling? TakeFrom(OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(options);
        FlattenPrefix(options);
        RenameOldKeys(options);
        OptionReader reader = new(options, s_schema);
        BackendThrottling throttling = new(ThrottleConfig.Unlimited.Merge(s_limits.Read(reader)), reader.GetString(GroupKey)) { KeepsShape = true };
        throttling.Validate();
        return throttling.Limits.IsEnabled ? throttling : null;
    }

    /// <summary>Checks the limits as a whole.</summary>
    /// <exception cref="BlockException">The first rule that is broken.</exception>
    internal void Validate()
    {
        Limits.Validate(s_limits.ErrorPrefix);
        if (Limits.IsEnabled && GroupName == "")
        {
            throw NamelessGroup();
        }
    }

    internal static BlockException NamelessGroup() => new("A throttle group needs a name");

    private static void FlattenPrefix(OptionsDictionary options)
    {
        string name = Prefix.TrimEnd('.');
        if (options.TryGetValue(name, out OptionValue? value) && value is OptionsDictionary { Count: > 0 } nested)
        {
            options.Remove(name);
            foreach ((string key, OptionValue item) in nested)
            {
                options[Prefix + key] = item;
            }
        }
    }

    private static void RenameOldKeys(OptionsDictionary options)
    {
        foreach ((string name, string alias) in OldKeys())
        {
            if (options.Take(alias) is not { } value)
            {
                continue;
            }

            if (options.ContainsKey(name))
            {
                throw new BlockException($"'{name}' and its alias '{alias}' can't be used at the same time");
            }

            options[name] = value;
        }
    }

    // The lengths of bursts are younger than the prefix.
    private static IEnumerable<(string Name, string Alias)> OldKeys()
    {
        foreach ((ThrottleKey key, string alias) in DeviceThrottleKeys.All)
        {
            if (key.Part != ThrottleKeyPart.BurstLength)
            {
                yield return (Prefix + key.Name, alias);
            }
        }

        yield return (GroupKey, DeviceThrottleKeys.Group);
    }
}
