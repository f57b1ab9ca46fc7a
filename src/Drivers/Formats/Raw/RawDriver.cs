using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Formats.Raw;

/// <summary>The format that is none: a file's bytes, or a window of them. <i>QEMU: raw.</i></summary>
public sealed class RawDriver : BlockDriver
{
    /// <summary>What a window must be aligned to, in bytes.</summary>
    internal const int SectorBytes = 512;

    /// <inheritdoc/>
    public override string Name => "raw";

    /// <inheritdoc/>
    public override string Summary => "the bytes of a file as they are, or a window of them";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Format;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(
        new OptionDefinition("file", OptionType.Child, "the node or options that hold the bytes") { IsRequired = true },
        new OptionDefinition("offset", OptionType.Size, "where the window begins in the file, in bytes") { Default = "0", IsMutable = true, IsStrong = true },
        new OptionDefinition("size", OptionType.Size, "how long the window is, in bytes; to the file's end where absent") { IsMutable = true, IsStrong = true });

    /// <summary>Anything may be raw, if it is nothing else.</summary>
    public override int Probe(ReadOnlySpan<byte> head) => 1;

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        long offset = context.Options.GetSize("offset");
        long? size = context.Options.GetSizeOrNull("size");
        bool isWindow = offset != 0 || size is not null;
        ChildRole role = isWindow ? ChildRole.Data | ChildRole.Primary : ChildRole.Filtered | ChildRole.Primary;
        BlockChild file = await context.OpenChildAsync("file", role);
        CheckWindow(file.LengthBytes, offset, size);
        bool isGuarded = context.IsProbed && !context.Node.IsReadOnly;
        return new RawInstance(file, offset, size, isGuarded ? new FirstSectorGuard(file, context.Graph.Drivers) : null);
    }

    private static void CheckWindow(long lengthBytes, long offset, long? size)
    {
        if (offset > lengthBytes)
        {
            throw new BlockException($"Offset ({offset}) cannot be greater than size of the containing file ({lengthBytes})");
        }

        if (size > lengthBytes - offset)
        {
            // Two blanks: users match on the text.
            throw new BlockException($"The sum of offset ({offset}) and size ({size}) has to be smaller or equal to the  actual size of the containing file ({lengthBytes})");
        }

        if (size % SectorBytes > 0)
        {
            throw new BlockException($"Specified size is not multiple of {SectorBytes}");
        }
    }
}
