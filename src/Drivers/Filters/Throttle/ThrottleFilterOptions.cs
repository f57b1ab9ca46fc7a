using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Filters.Throttle;

/// <summary>What the options of a throttle node say: which group, and which of its limits to overwrite.</summary>
/// <param name="GroupName">The group's name, or null for one of the node's own.</param>
/// <param name="Limits">The limits and settings of the group that were given; the others stay as they are.</param>
/// <param name="ParentName">The group below which a group is created; null for none.</param>
/// <param name="Settings">What the node has for itself.</param>
internal sealed record ThrottleFilterOptions(string? GroupName, ThrottleLimitsUpdate Limits, string? ParentName, ThrottleNodeSettings Settings)
{
    private const string GroupKey = "throttle-group";
    private const string ParentKey = "throttle-parent";

    // What QEMU's throttle node does not know.
    private static readonly OptionDefinition[] s_ownDefinitions =
    [
        .. ThrottleLimitsReader.Node.Definitions,
        .. ThrottleSettingsReader.Definitions,
        new OptionDefinition(ParentKey, OptionType.String, "the group whose limits count too for a group that this node creates"),
        .. ThrottleNodeSettings.Definitions,
    ];

    /// <summary>The options of the driver, the nineteen limits in their own order.</summary>
    public static OptionSchema Schema { get; } = new(
    [
        new OptionDefinition("file", OptionType.Child, "the node or options to limit") { IsRequired = true },
        new OptionDefinition(GroupKey, OptionType.String, "the group to share limits with; one of the node's own where absent") { IsMutable = true, IsStrong = true },
        .. s_ownDefinitions.Select(definition => definition with { IsMutable = definition.Name != ParentKey, IsStrong = true }),
    ]);

    /// <summary>Reads the options as the profile takes them.</summary>
    /// <exception cref="BlockException">A value is malformed, or the profile wants a group and no limits.</exception>
    public static ThrottleFilterOptions Read(OptionReader reader, CompatibilityProfile profile)
    {
        if (!profile.ThrottleNodesTakeLimits && s_ownDefinitions.FirstOrDefault(option => reader.IsGiven(option.Name)) is { } given)
        {
            throw new BlockException($"Block format 'throttle' does not support the option '{given.Name}'");
        }

        return Read(reader, profile, isWanted: null);
    }

    /// <summary>Reads what a reopen asks for: limits that are only kept from before are none, for the group may have got others since.</summary>
    /// <exception cref="BlockException">A value is malformed, or the profile wants a group and no limits.</exception>
    public static ThrottleFilterOptions Read(ReopenContext reopen)
    {
        if (!reopen.Profile.ThrottleNodesTakeLimits && s_ownDefinitions.FirstOrDefault(option => reopen.IsAsked(option.Name)) is { } asked)
        {
            throw new BlockException($"Cannot change the option '{asked.Name}'");
        }

        return Read(reopen.CreateReader(), reopen.Profile, reopen.IsAsked);
    }

    /// <summary>The options that describe a membership: a group by its name, a group of the node's own by its limits. What is at its default is left out.</summary>
    /// <param name="groupName">The group's name, or null for one of the node's own.</param>
    /// <param name="limits">The limits and settings of the group that are in force; null for none of them.</param>
    /// <param name="parentName">The group above it; null for none.</param>
    /// <param name="settings">What the node has for itself.</param>
    public static OptionsDictionary Describe(string? groupName, ThrottleConfig? limits, string? parentName, ThrottleNodeSettings settings)
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

        foreach ((string key, OptionValue value) in limits is null ? [] : ThrottleSettingsReader.Describe(limits))
        {
            options[key] = value;
        }

        if (parentName is not null)
        {
            options[ParentKey] = parentName;
        }

        foreach ((string key, OptionValue value) in settings.Describe())
        {
            options[key] = value;
        }

        return options;
    }

    private static ThrottleFilterOptions Read(OptionReader reader, CompatibilityProfile profile, Func<string, bool>? isWanted)
    {
        string? groupName = reader.GetString(GroupKey);
        if (groupName is null && !profile.ThrottleGroupIsOptional)
        {
            throw new BlockException("Please specify a throttle group");
        }

        ThrottleLimitsUpdate limits = ThrottleLimitsReader.Node.Read(reader, isWanted);
        ThrottleSettingsReader.Read(reader, limits, isWanted);
        return new ThrottleFilterOptions(groupName, limits, reader.GetString(ParentKey), ThrottleNodeSettings.Read(reader));
    }
}
