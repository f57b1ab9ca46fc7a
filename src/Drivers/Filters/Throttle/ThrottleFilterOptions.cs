using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Filters.Throttle;

/// <summary>What the options of a throttle node say: which group, and which of its limits to overwrite.</summary>
/// <param name="GroupName">The group's name, or null for one of the node's own.</param>
/// <param name="Limits">The limits that were given; the others stay as they are.</param>
internal sealed record ThrottleFilterOptions(string? GroupName, ThrottleLimitsUpdate Limits)
{
    private const string GroupKey = "throttle-group";

    /// <summary>The options of the driver, the nineteen limits in their own order.</summary>
    public static OptionSchema Schema { get; } = new(
    [
        new OptionDefinition("file", OptionType.Child, "the node or options to limit") { IsRequired = true },
        new OptionDefinition(GroupKey, OptionType.String, "the group to share limits with; one of the node's own where absent") { IsMutable = true, IsStrong = true },
        .. ThrottleLimitsReader.Node.Definitions.Select(definition => definition with { IsMutable = true, IsStrong = true }),
    ]);

    /// <summary>Reads the options as the profile takes them.</summary>
    /// <exception cref="BlockException">A value is malformed, or the profile wants a group and no limits.</exception>
    public static ThrottleFilterOptions Read(OptionReader reader, CompatibilityProfile profile)
    {
        string? groupName = reader.GetString(GroupKey);
        if (!profile.ThrottleNodesTakeLimits && ThrottleLimitsReader.Node.Definitions.FirstOrDefault(limit => reader.IsGiven(limit.Name)) is { } given)
        {
            throw new BlockException($"Block format 'throttle' does not support the option '{given.Name}'");
        }

        ThrowIfGroupMissing(groupName, profile);
        return new ThrottleFilterOptions(groupName, ThrottleLimitsReader.Node.Read(reader));
    }

    /// <summary>Reads what a reopen asks for: limits that are only kept from before are none, for the group may have got others since.</summary>
    /// <exception cref="BlockException">A value is malformed, or the profile wants a group and no limits.</exception>
    public static ThrottleFilterOptions Read(ReopenContext reopen)
    {
        OptionReader reader = reopen.CreateReader();
        string? groupName = reader.GetString(GroupKey);
        if (!reopen.Profile.ThrottleNodesTakeLimits && ThrottleLimitsReader.Node.Definitions.FirstOrDefault(limit => reopen.IsAsked(limit.Name)) is { } asked)
        {
            throw new BlockException($"Cannot change the option '{asked.Name}'");
        }

        ThrowIfGroupMissing(groupName, reopen.Profile);
        return new ThrottleFilterOptions(groupName, ThrottleLimitsReader.Node.Read(reader, reopen.IsAsked));
    }

    /// <summary>The options that describe a membership: a group by its name, a group of the node's own by its limits.</summary>
    /// <param name="groupName">The group's name, or null for one of the node's own.</param>
    /// <param name="limits">The limits in force, of which those at their defaults are left out.</param>
    public static OptionsDictionary Describe(string? groupName, ThrottleConfig? limits)
    {
        OptionsDictionary options = [];
        if (groupName is not null)
        {
            options[GroupKey] = groupName;
        }

        foreach (ThrottleKey key in ThrottleKeys.All.Where(key => limits is not null && limits[key] != key.DefaultValue))
        {
            options[ThrottleLimitsReader.Node.Prefix + key.Name] = new OptionInteger(limits![key]);
        }

        return options;
    }

    private static void ThrowIfGroupMissing(string? groupName, CompatibilityProfile profile)
    {
        if (groupName is null && !profile.ThrottleGroupIsOptional)
        {
            throw new BlockException("Please specify a throttle group");
        }
    }
}
