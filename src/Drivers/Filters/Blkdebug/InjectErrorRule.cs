using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>A rule that, once its event has come in its state, fails the requests that it is about. <i>QEMU: BlkdebugInjectErrorOptions.</i></summary>
/// <param name="Event">The event that makes it active.</param>
/// <param name="State">The state that the machine must be in then; 0 for any.</param>
/// <param name="IoType">The only kind of request that it fails; null for every kind but status queries.</param>
/// <param name="Errno">What requests fail with; 0 for nothing.</param>
/// <param name="Sector">The sector of 512 bytes that a request must cover; -1 for any request.</param>
/// <param name="IsOnce">True where it fails one request and is gone.</param>
/// <param name="IsImmediate">True where the request fails inside the submitting call, false where it fails from the loop.</param>
internal sealed record InjectErrorRule(DebugEvent Event, long State, BlkdebugIoType? IoType, int Errno, long Sector, bool IsOnce, bool IsImmediate)
{
    private const int SectorBytes = 512;
    private const int ErrnoMax = 4095;

    // In the order of BlkdebugIoType.
    private static readonly string[] s_ioTypes = ["read", "write", "write-zeroes", "discard", "flush", "block-status"];

    /// <summary>The options of one rule.</summary>
    public static OptionSchema Schema { get; } = new(
        new OptionDefinition("event", OptionType.Enum, "the event that makes the rule active; none: from the opening on") { IsRequired = true, AllowedValues = DebugEventExtensions.Names },
        new OptionDefinition("state", OptionType.Integer, "the state that the machine must be in; 0 for any") { Default = "0" },
        new OptionDefinition("iotype", OptionType.Enum, "the only requests that fail; all but block-status where absent") { AllowedValues = s_ioTypes },
        new OptionDefinition("errno", OptionType.Integer, "the error by its Linux number; 0 for none") { Default = "5" },
        new OptionDefinition("sector", OptionType.Integer, "the sector of 512 bytes whose start a request must cover; -1 for any") { Default = "-1" },
        new OptionDefinition("once", OptionType.Boolean, "fail one request and be gone") { Default = "off" },
        new OptionDefinition("immediately", OptionType.Boolean, "fail inside the submitting call instead of one turn later") { Default = "off" });

    /// <summary>Reads one rule; errors call its options as <paramref name="name"/> does.</summary>
    /// <exception cref="BlockException">A value is malformed.</exception>
    public static InjectErrorRule Read(OptionReader reader, string name)
    {
        DebugEvent debugEvent = (DebugEvent)reader.GetEnumIndex("event");
        long state = reader.GetInteger("state");
        BlkdebugIoType? ioType = (BlkdebugIoType?)reader.GetEnumIndexOrNull("iotype");
        long errno = reader.GetInteger("errno");
        long sector = reader.GetInteger("sector");
        if (errno is < 0 or > ErrnoMax)
        {
            throw new BlockException($"{name}errno value must be in the range [0, {ErrnoMax}]");
        }

        if (sector < -1)
        {
            throw new BlockException($"{name}sector value must be -1 or a sector number");
        }

        return new InjectErrorRule(debugEvent, state, ioType, (int)errno, sector, reader.GetBoolean("once"), reader.GetBoolean("immediately"));
    }

    /// <summary>True where a request is one of those that the rule is about.</summary>
    public bool Concerns(BlkdebugIoType ioType, long offset, long lengthBytes)
    {
        if (IoType is null ? ioType == BlkdebugIoType.BlockStatus : IoType != ioType)
        {
            return false;
        }

        // A sector whose start lies in the request; one behind every image is in none.
        return Sector < 0 || (Sector <= long.MaxValue / SectorBytes && Sector * SectorBytes >= offset && (Sector * SectorBytes) - offset < lengthBytes);
    }
}
