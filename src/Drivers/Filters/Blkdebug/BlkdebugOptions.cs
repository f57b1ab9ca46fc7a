using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>What the options of a blkdebug node say.</summary>
/// <param name="ConfigPath">The file with more rules, or null.</param>
/// <param name="Limits">Limits that replace the child's.</param>
/// <param name="InjectErrors">The rules that fail requests, in order.</param>
/// <param name="SetStates">The rules that change the state, in order.</param>
/// <param name="Taken">What is needed of the child whatever the users need.</param>
/// <param name="Unshared">What others may not have of the child whatever the users tolerate.</param>
internal sealed record BlkdebugOptions(
    string? ConfigPath,
    BlkdebugLimits Limits,
    IReadOnlyList<InjectErrorRule> InjectErrors,
    IReadOnlyList<SetStateRule> SetStates,
    BlockPermissions Taken,
    BlockPermissions Unshared)
{
    /// <summary>The child's option.</summary>
    public const string ImageKey = "image";

    /// <summary>The config file's option.</summary>
    public const string ConfigKey = "config";

    /// <summary>The list of rules that fail requests.</summary>
    public const string InjectErrorKey = "inject-error";

    /// <summary>The list of rules that change the state.</summary>
    public const string SetStateKey = "set-state";

    private const string TakeKey = "take-child-perms";
    private const string UnshareKey = "unshare-child-perms";
    private static readonly string[] s_permissionNames = [.. BlockPermissions.All.Names().Select(name => name.Replace(' ', '-'))];

    /// <summary>The options of the driver.</summary>
    public static OptionSchema Schema { get; } = new(
    [
        new OptionDefinition(ImageKey, OptionType.Child, "the node or options whose requests are to fail") { IsRequired = true },
        new OptionDefinition(ConfigKey, OptionType.String, "a file with rules, before those given here") { IsStrong = true },
        .. BlkdebugLimits.Definitions,
        new OptionDefinition(InjectErrorKey, OptionType.List, "rules that fail requests") { IsStrong = true, Element = InjectErrorRule.Schema },
        new OptionDefinition(SetStateKey, OptionType.List, "rules that change the state of the machine") { IsStrong = true, Element = SetStateRule.Schema },
        new OptionDefinition(TakeKey, OptionType.List, "permissions to need of the child, whatever the users need") { Element = PermissionElement },
        new OptionDefinition(UnshareKey, OptionType.List, "permissions to deny to other users of the child") { Element = PermissionElement },
    ]);

    private static OptionSchema PermissionElement =>
        new(new OptionDefinition(string.Empty, OptionType.Enum, "a permission: consistent-read, write, write-unchanged, resize") { AllowedValues = s_permissionNames });

    /// <summary>Reads the options.</summary>
    /// <exception cref="BlockException">A value is malformed.</exception>
    public static BlkdebugOptions Read(OptionReader reader) => new(
        reader.GetString(ConfigKey),
        BlkdebugLimits.Read(reader),
        [.. reader.GetList(InjectErrorKey).Select((rule, i) => InjectErrorRule.Read(rule, $"{InjectErrorKey}.{i}."))],
        [.. reader.GetList(SetStateKey).Select(SetStateRule.Read)],
        ReadPermissions(reader, TakeKey),
        ReadPermissions(reader, UnshareKey));

    private static BlockPermissions ReadPermissions(OptionReader reader, string name)
    {
        BlockPermissions permissions = BlockPermissions.None;
        foreach (OptionReader element in reader.GetList(name))
        {
            permissions |= (BlockPermissions)(1 << element.GetEnumIndex(string.Empty));
        }

        return permissions;
    }
}
