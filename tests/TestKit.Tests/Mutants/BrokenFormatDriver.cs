using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit.Tests.Mutants;

/// <summary>What is wrong with a format.</summary>
internal enum FormatFault
{
    None,
    RecognisesAnything,
    CopiesNothing,
    AllocatesUnlocked,
    WritesMapFirst,
    MapsBeforeWriting,
    GrowsOverBacking,
    ForgetsNames,
    TrustsHeader,
    FindsLeaks,
}

/// <summary>
/// A format that is even smaller than <c>cow</c>, but for one fault: a header, a map of one byte a cluster, and every cluster in its own place.
/// <code>
///   0 "TOYIMAGE"   8 length   16 length of the backing name, then its format's   24 both
///   4096 the map: 0 not allocated, 1 data, 2 zeros        8192 the clusters, 4096 bytes each
/// </code>
/// </summary>
internal sealed class BrokenFormatDriver(FormatFault fault) : BlockDriver
{
    public BrokenFormatDriver()
        : this(FormatFault.None)
    {
    }

    public override string Name => "broken-format";

    public override string Summary => "a format with a fault";

    public override DriverCategory Category => DriverCategory.Format;

    public override bool SupportsBacking => true;

    public override bool SupportsReopen => true;

    public override OptionSchema Options { get; } = new(
        new OptionDefinition("file", OptionType.Child, "the image") { IsRequired = true }, new OptionDefinition("backing", OptionType.Child, "what is below"));

    /// <summary>An empty image.</summary>
    public static byte[] MakeImage(long lengthBytes)
    {
        byte[] image = new byte[BrokenFormatInstance.DataOffset];
        new ToyHeader(lengthBytes, null, null).WriteTo(image);
        return image;
    }

    public override int Probe(ReadOnlySpan<byte> head) =>
        fault == FormatFault.RecognisesAnything || head.StartsWith(ToyHeader.Signature) ? ProbeScoreSignature : 0;

    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        BlockChild file = await context.OpenChildAsync("file", ChildRole.Image);
        byte[] bytes = new byte[BrokenFormatInstance.DataOffset];
        await file.ReadAsync(0, bytes, RequestFlags.None, cancel);
        ToyHeader header = ToyHeader.Parse(bytes, checks: fault != FormatFault.TrustsHeader);
        await context.OpenBackingAsync(header.BackingName, header.BackingFormat);
        return new BrokenFormatInstance(file, header, bytes[BrokenFormatInstance.MapOffset..], fault);
    }
}
