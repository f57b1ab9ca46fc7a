using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Formats.Luks;

/// <summary>Images encrypted as LUKS1 has it. <i>QEMU: luks.</i></summary>
public sealed class LuksDriver : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "luks";

    /// <inheritdoc/>
    public override string Summary => "encrypted as LUKS1 has it, with up to eight passphrases";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Format;

    /// <inheritdoc/>
    public override OptionSchema Options => LuksOptions.Open;

    /// <inheritdoc/>
    public override OptionSchema CreateOptions => LuksOptions.Create;

    /// <inheritdoc/>
    public override OptionSchema AmendOptions => LuksOptions.Amend;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override int Probe(ReadOnlySpan<byte> head) => LuksVolume.IsRecognized(head) ? ProbeScoreSignature : 0;

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        string? secretId = context.Options.GetString(LuksOptions.SecretKey);
        BlockChild file = await context.OpenChildAsync(LuksOptions.FileKey, ChildRole.Image);
        BlockChild? header = await context.OpenOptionalChildAsync(LuksOptions.HeaderKey, ChildRole.Metadata);
        if (secretId is null && !context.IsForInformation)
        {
            throw new BlockException($"Parameter '{LuksOptions.SecretKey}' is required for cipher");
        }

        context.Step("read luks header");
        LuksVolume volume = await LuksVolume.OpenAsync(new ChildLuksArea(header ?? file), context.Context, isDetached: header is not null, cancel);
        if (volume.PayloadOffset > file.LengthBytes)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"LUKS payload offset {volume.PayloadOffset} is behind the end of the file, which has {file.LengthBytes} bytes");
        }

        LuksInstance instance = new(file, volume) { SecretId = secretId };
        if (!context.IsForInformation)
        {
            context.Step("unlock luks");
            await instance.UnlockAsync(context.Graph, cancel);
        }

        return instance;
    }

    /// <summary>Lays out a new image; or its header alone, for data in a file of their own. What the data's space holds is left as it is: it reads as anything.</summary>
    public override async Task<bool> CreateAsync(CreateContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        LuksFormatOptions options = LuksOptions.ReadFormat(context.Options);
        long headerBytes = LuksVolume.MeasureHeader(options);
        long dataBytes = options.IsDetached ? 0 : RoundUp(context.SizeBytes);
        if (dataBytes > BlockLimits.LengthBytesMax - headerBytes)
        {
            throw new BlockException(BlockErrorKind.TooLarge, "The requested file size is too large");
        }

        ReadOnlyMemory<byte> header;
        using (KeyMaterial passphrase = LuksOptions.TakeSecret(context.Graph, context.Options))
        {
            context.Step("make luks header");
            header = await LuksVolume.FormatAsync(context.Context, options, passphrase, cancel);
        }

        context.Step("create luks file");
        bool isNew = await context.CreateFileAsync(headerBytes + dataBytes, cancel);
        context.Step("open luks file");
        await using CreatedFile file = await context.OpenFileAsync(cancel);
        context.Step("write luks header");
        await file.WriteAsync(0, header, cancel);
        context.Step("close luks file");
        return isNew;
    }

    /// <summary>The header, the key material and the data, all of it.</summary>
    public override Task<ImageMeasurement> MeasureAsync(OptionsDictionary options, long lengthBytes, BlockChild? source, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionReader reader = new(options.Clone(), CreateOptions);
        if (reader.GetString(LuksOptions.SecretKey) is null)
        {
            throw new BlockException($"Parameter '{LuksOptions.SecretKey}' is required for cipher");
        }

        LuksFormatOptions format = LuksOptions.ReadFormat(reader);
        ulong bytes = (ulong)LuksVolume.MeasureHeader(format) + (format.IsDetached ? 0 : (ulong)RoundUp(lengthBytes));
        return Task.FromResult(new ImageMeasurement(bytes, bytes));
    }

    private static long RoundUp(long lengthBytes) => lengthBytes > BlockLimits.LengthBytesMax
        ? throw new BlockException(BlockErrorKind.TooLarge, "The requested file size is too large")
        : (lengthBytes + SectorCipher.SectorBytes - 1) / SectorCipher.SectorBytes * SectorCipher.SectorBytes;
}
