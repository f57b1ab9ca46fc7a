using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Formats.Raw;

/// <summary>The format that is none: a file's bytes, or a window of them. <i>QEMU: raw.</i></summary>
public sealed class RawDriver : BlockDriver
{
    private const ulong SectorBytes = 512;

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

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <summary>Anything may be raw, if it is nothing else.</summary>
    public override int Probe(ReadOnlySpan<byte> head) => 1;

    /// <inheritdoc/>
    public override OptionSchema CreateOptions { get; } = new(new OptionDefinition(CreateContext.SizeOption, OptionType.Size, "Virtual disk size"));

    /// <summary>A raw image is its file.</summary>
    public override Task<bool> CreateAsync(CreateContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.CreateFileAsync(context.SizeBytes, cancel);
    }

    /// <summary>A raw image takes its length, in whole sectors, whatever is in it.</summary>
    public override Task<ImageMeasurement> MeasureAsync(OptionsDictionary options, long lengthBytes, BlockChild? source, CancellationToken cancel)
    {
        ulong bytes = ((ulong)lengthBytes + SectorBytes - 1) / SectorBytes * SectorBytes;
        return Task.FromResult(new ImageMeasurement(bytes, bytes));
    }

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        RawWindow window = RawWindow.Read(context.Options);
        ChildRole role = window.IsWhole ? ChildRole.Filtered | ChildRole.Primary : ChildRole.Data | ChildRole.Primary;
        BlockChild file = await context.OpenChildAsync("file", role);
        window.Check(file.LengthBytes);
        bool isGuarded = context.IsProbed && !context.Node.IsReadOnly;
        return new RawInstance(file, window, isGuarded ? new FirstSectorGuard(file, context.Graph.Drivers) : null);
    }
}
