using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>A rule that brings the machine to another state. <i>QEMU: BlkdebugSetStateOptions.</i></summary>
/// <param name="Event">The event that it waits for.</param>
/// <param name="State">The state that the machine must be in then; 0 for any.</param>
/// <param name="NewState">The state that it is in afterwards.</param>
internal sealed record SetStateRule(DebugEvent Event, long State, long NewState)
{
    /// <summary>The options of one rule.</summary>
    public static OptionSchema Schema { get; } = new(
        new OptionDefinition("event", OptionType.Enum, "the event that the rule waits for") { IsRequired = true, AllowedValues = DebugEventExtensions.Names },
        new OptionDefinition("state", OptionType.Integer, "the state that the machine must be in; 0 for any") { Default = "0" },
        new OptionDefinition("new_state", OptionType.Integer, "the state that it is in afterwards; it begins in 1") { IsRequired = true });

    /// <summary>Reads one rule.</summary>
    /// <exception cref="BlockCore.Errors.BlockException">A value is malformed.</exception>
    public static SetStateRule Read(OptionReader reader) =>
        new((DebugEvent)reader.GetEnumIndex("event"), reader.GetInteger("state"), reader.GetInteger("new_state"));
}
