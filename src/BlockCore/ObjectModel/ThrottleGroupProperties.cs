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

    /// <summary>The properties.</summary>
    public IReadOnlyList<ObjectProperty> All =>
    [
        ObjectProperty.TypeOf(ThrottleGroupType.TypeName),
        new ObjectProperty("kind", "string") { Read = () => graph.ThrottleGroups.KindOf(group).ToString().ToLowerInvariant() },
        new ObjectProperty(LimitsKey, "ThrottleLimits") { Read = GetLimits, Write = SetLimits },
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
}
