using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.DriverList;

/// <summary>The words for kinds of drivers and types of options.</summary>
internal static class DriverKinds
{
    /// <summary>What kind of layer <paramref name="driver"/> is.</summary>
    public static string Name(BlockDriver driver) => driver.Category switch
    {
        DriverCategory.Protocol => "protocol",
        DriverCategory.Format => "format",
        DriverCategory.Filter => "filter",
        _ => "composite",
    };

    /// <summary>What values of <paramref name="type"/> are.</summary>
    public static string Name(OptionType type) => type switch
    {
        OptionType.Integer => "integer",
        OptionType.Size => "size",
        OptionType.Boolean => "on|off",
        OptionType.Enum => "choice",
        OptionType.Child => "child",
        OptionType.ChildList => "children",
        OptionType.List => "list",
        _ => "string",
    };
}
