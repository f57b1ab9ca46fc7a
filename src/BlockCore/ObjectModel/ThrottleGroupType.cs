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

    private static readonly OptionSchema s_options = new(
    [
        .. ThrottleLimitsReader.Nested.Definitions,
        .. ThrottleLimitsReader.Flat.Definitions.Select(definition => definition with { Help = "as limits." + definition.Name[ThrottleLimitsReader.Flat.Prefix.Length..] }),
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

        return new ThrottleGroupObject(context.Graph, context.Id, nested.IsEmpty ? flat : nested, isAdopting);
    }
}
