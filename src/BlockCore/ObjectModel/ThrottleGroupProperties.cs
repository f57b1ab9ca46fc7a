using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.ObjectModel;

/// <summary>What can be read and set of a throttle group by name: its limits, as one and each for itself, and what kind of group it is.</summary>
internal sealed class ThrottleGroupProperties(NodeGraph graph, ThrottleGroup group)
{
    private const string LimitsKey = "limits";
    private const string ShareKey = "share";

    /// <summary>The properties.</summary>
    public IReadOnlyList<ObjectProperty> All =>
    [
        ObjectProperty.TypeOf(ThrottleGroupType.TypeName),
        new ObjectProperty("kind", "string") { Read = () => graph.ThrottleGroups.KindOf(group).ToString().ToLowerInvariant() },
        new ObjectProperty(LimitsKey, "ThrottleLimits") { Read = GetLimits, Write = SetLimits },
        new ObjectProperty("parent", "string") { Read = () => group.Parent?.Name ?? string.Empty },
        new ObjectProperty("burst-window", "int") { Read = () => (long)group.Config.BurstWindowMs, Write = value => SetSetting("burst-window", value) },
        new ObjectProperty("pacing", "bool") { Read = () => group.Config.IsPaced, Write = value => SetSetting("pacing", value) },
        new ObjectProperty("fair-by", "string") { Read = () => group.Config.IsFairByCost ? "cost" : "requests", Write = value => SetSetting("fair-by", value) },
        new ObjectProperty(ShareKey, "ThrottleShare") { Read = GetShare, Write = SetShare },
        .. ThrottleKeys.All.Select(key => new ObjectProperty(ThrottleLimitsReader.Flat.Prefix + key.Name, "int")
        {
            Read = () => group.Config[key],
            Write = _ => throw new BlockException(BlockErrorKind.NotPermitted, "Property cannot be set after initialization"),
        }),
    ];

    /// <summary>What becomes of the levels where the limits change.</summary>
    public static ThrottleChangePolicy PolicyOf(NodeGraph graph) => graph.Profile.ThrottleChangeResetsLevels ? ThrottleChangePolicy.Reset : ThrottleChangePolicy.Scale;

    private OptionsDictionary GetLimits()
    {
        OptionsDictionary limits = [];
        foreach ((string key, long value) in group.Config.Values)
        {
            limits[key] = value;
        }

        return limits;
    }

    private void SetLimits(OptionValue value)
    {
        OptionSchema schema = new([.. ThrottleLimitsReader.Nested.Definitions]);
        OptionsDictionary flat = OptionCheck.Flatten(schema, new OptionsDictionary { { LimitsKey, value } }, graph.Profile.SuggestsNearestOption);
        ThrottleLimitsUpdate update = ThrottleLimitsReader.Nested.Read(new OptionReader(flat, schema, dialect: OptionDialect.Qapi));
        graph.ThrottleGroups.ChangeLimits(group, update, ThrottleLimitsReader.Nested.ErrorPrefix, PolicyOf(graph));
    }

    private void SetSetting(string name, OptionValue value)
    {
        OptionSchema schema = new([.. ThrottleSettingsReader.Definitions]);
        ThrottleLimitsUpdate update = new();
        ThrottleSettingsReader.Read(new OptionReader(new OptionsDictionary { { name, value } }, schema, dialect: OptionDialect.Qapi), update);
        graph.ThrottleGroups.ChangeLimits(group, update, ThrottleLimitsReader.Nested.ErrorPrefix, PolicyOf(graph));
    }

    private OptionsDictionary GetShare()
    {
        ThrottleShare share = group.Share;
        return new OptionsDictionary
        {
            { "weight", (long)share.Weight },
            { "reservation-iops", share.ReservationIops },
            { "reservation-bps", share.ReservationBps },
            { "limit-iops", share.LimitIops },
            { "limit-bps", share.LimitBps },
        };
    }

    // What is not named stays as it is.
    private void SetShare(OptionValue value)
    {
        if (group.Parent is null)
        {
            throw new BlockException($"Throttle group '{group.Name}' has no parent");
        }

        OptionSchema schema = new([.. ThrottleShareReader.Definitions]);
        OptionsDictionary flat = OptionCheck.Flatten(schema, new OptionsDictionary { { ShareKey, value } }, graph.Profile.SuggestsNearestOption);
        foreach ((string key, OptionValue present) in GetShare())
        {
            flat.SetDefault(ThrottleShareReader.Prefix + key, present);
        }

        group.SetShare(ThrottleShareReader.Read(new OptionReader(flat, schema, dialect: OptionDialect.Qapi)));
    }
}
