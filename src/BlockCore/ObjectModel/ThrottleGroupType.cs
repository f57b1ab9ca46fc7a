using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.ObjectModel;

/// <summary>The object type <c>throttle-group</c>: a group that is there before its first member, and after its last. <i>QEMU: throttle-group.</i></summary>
public sealed class ThrottleGroupType : UserObjectType
{
    /// <summary>The type's name.</summary>
    internal const string TypeName = "throttle-group";

    private const string AdoptKey = "adopt";
    private const string ParentKey = "parent";

    private static readonly OptionSchema s_options = new(
    [
        .. ThrottleLimitsReader.Nested.Definitions,
        .. ThrottleLimitsReader.Flat.Definitions.Select(definition => definition with { Help = "as limits." + definition.Name[ThrottleLimitsReader.Flat.Prefix.Length..] }),
        .. ThrottleSettingsReader.Definitions,
        new OptionDefinition(ParentKey, OptionType.String, "the group whose limits count too"),
        .. ThrottleShareReader.Definitions,
        new OptionDefinition(AdoptKey, OptionType.Boolean, "make a group of this name that nodes or devices have created the object's") { Default = "off" },
    ]);

    /// <inheritdoc/>
    public override string Name => TypeName;

    /// <inheritdoc/>
    public override string Summary => "limits that nodes and devices share";

    /// <inheritdoc/>
    public override OptionSchema Options => s_options;

    /// <inheritdoc/>
    public override IUserObject Create(UserObjectContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        ThrottleLimitsReader flatReader = ThrottleLimitsReader.Flat with { RangeWords = context.Profile.ThrottleRangeTextHasBlank ? "the range" : "therange" };
        ThrottleLimitsUpdate nested = ThrottleLimitsReader.Nested.Read(context.Options);
        ThrottleLimitsUpdate flat = flatReader.Read(context.Options);
        string? parentName = context.Options.GetString(ParentKey);
        ThrottleShare share = ThrottleShareReader.Read(context.Options);
        bool isAdopting = context.Options.GetBoolean(AdoptKey);
        if (!nested.IsEmpty && !flat.IsEmpty)
        {
            throw new BlockException($"'limits' and '{flatReader.Prefix}{flat.First().Key}' can't be used at the same time");
        }

        if (!isAdopting)
        {
            // Those of a group that is adopted are judged over what it has.
            ThrottleConfig.Unlimited.Merge(nested).Validate(ThrottleLimitsReader.Nested.ErrorPrefix);
        }

        if (parentName is null && !share.IsDefault)
        {
            throw new BlockException($"'{ThrottleShareReader.Prefix}*' requires '{ParentKey}'");
        }

        ThrottleLimitsUpdate limits = nested.IsEmpty ? flat : nested;
        ThrottleSettingsReader.Read(context.Options, limits);
        return new ThrottleGroupObject(context.Graph, context.Id, limits, isAdopting, parentName, share);
    }
}
