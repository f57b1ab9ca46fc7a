using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit;

/// <summary>The smallest real format: one sector that begins with <see cref="Signature"/>, then the data.</summary>
public sealed class MagicFormatDriver : BlockDriver
{
    /// <summary>The length of the header, in bytes.</summary>
    public const int HeaderBytes = 512;

    /// <summary>What an image begins with.</summary>
    public static ReadOnlySpan<byte> Signature => "MAGICFMT"u8;

    /// <inheritdoc/>
    public override string Name => "magic";

    /// <inheritdoc/>
    public override string Summary => "a header and data, for tests of probing";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Format;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the image") { IsRequired = true });

    /// <inheritdoc/>
    public override int Probe(ReadOnlySpan<byte> head) => head.StartsWith(Signature) ? ProbeScoreSignature : 0;

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        BlockChild file = await context.OpenChildAsync("file", ChildRole.Image);
        if (file.LengthBytes < HeaderBytes)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "The image is shorter than its header");
        }

        return new Instance(file);
    }

    private sealed class Instance(BlockChild file) : BlockDriverInstance
    {
        protected override long GetLengthBytes() => file.LengthBytes - HeaderBytes;

        protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
            file.ReadAsync(offset + HeaderBytes, buffer, flags, cancel);

        protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
            file.WriteAsync(offset + HeaderBytes, buffer, flags, cancel);
    }
}
