using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2.Bitmaps;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Images that grow as they are written, over a backing file or alone, versions 2 and 3. <i>QEMU: qcow2.</i></summary>
public sealed class Qcow2Driver : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "qcow2";

    /// <inheritdoc/>
    public override string Summary => "images that grow as they are written, with backing files, snapshots and compression";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Format;

    /// <inheritdoc/>
    public override bool SupportsBacking => true;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override bool SupportsCompression => true;

    /// <inheritdoc/>
    public override OptionSchema Options => Qcow2OpenOptions.Schema;

    /// <inheritdoc/>
    public override OptionSchema CreateOptions => Qcow2CreateOptions.Schema;

    /// <inheritdoc/>
    public override OptionSchema AmendOptions => Amending.AmendOptions.Schema;

    /// <inheritdoc/>
    public override int Probe(ReadOnlySpan<byte> head) => Qcow2Header.HasSignature(head) ? ProbeScoreSignature : 0;

    /// <inheritdoc/>
    public override Task<bool> CreateAsync(CreateContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        Qcow2CreateOptions options = Qcow2CreateOptions.Read(context.Options, LengthOf(context));
        BackingFormats.Check(context.Graph, options.BackingFormat);
        return new Qcow2Creation(this, context, options).RunAsync(cancel);
    }

    /// <inheritdoc/>
    public override Task<ImageMeasurement> MeasureAsync(OptionsDictionary options, long lengthBytes, BlockChild? source, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(options);

        // A mode that there is not has other words here than where an image is made; what a reader has given it does not give again.
        _ = PreallocationModes.Parse(new OptionReader(options.Clone(), CreateOptions).GetString("preallocation") ?? "off");
        OptionReader reader = new(options.Clone(), CreateOptions);
        return Qcow2Measuring.RunAsync(Qcow2CreateOptions.Read(reader, lengthBytes, isEncryptionRead: false), Qcow2EncryptionOptions.MeasureHeader(reader), source, cancel);
    }

    /// <summary>Reads header and tables, then opens the backing node. It writes nothing.</summary>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        BlockChild file = await context.OpenChildAsync("file", ChildRole.Image);
        Qcow2OpenOptions options = Qcow2OpenOptions.Read(context.Options);
        context.Step("read qcow2 header");
        (Qcow2HeaderArea area, byte[] cluster) = await Qcow2Metadata.ReadHeaderAsync(file, cancel);
        Qcow2Header header = area.Header;
        options.Check(header);
        CheckLength(header);
        if ((header.Incompatible & Qcow2IncompatibleFeatures.Corrupt) != 0 && !context.IsForCheck)
        {
            context.FallBackToReadOnly("qcow2: Image is corrupt; cannot be opened read/write");
        }

        RestrictLegacyAes(context, header);
        if (header.RefcountTableClusters == 0 && !context.IsForCheck)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "Image does not contain a reference count table");
        }

        BitmapDirectory bitmaps = await ReadBitmapsAsync(context, file, area, cancel);
        Qcow2Metadata metadata = new(context.Node, file, await OpenDataAsync(context, file, area), area, cluster, options) { Bitmaps = bitmaps };
        await metadata.LoadAsync(context.IsForCheck, cancel);
        (metadata.Volume, metadata.Cipher) = await Qcow2EncryptionOptions.OpenAsync(context, file, area, options.EncryptionFormat, options.SecretId, cancel);
        try
        {
            await context.OpenBackingAsync(area.BackingFileName, area.BackingFormat);
            await LoadBitmapsAsync(context, metadata, cancel);
            return new Qcow2Instance(metadata);
        }
        catch
        {
            metadata.Cipher?.Dispose();
            throw;
        }
    }

    // Whoever guesses a part of the data can undo it.
    private static void RestrictLegacyAes(OpenContext context, Qcow2Header header)
    {
        if (header.Encryption != Qcow2Encryption.Aes || context.Graph.Profile.UsesLegacyAes)
        {
            return;
        }

        const string Reason = "AES encryption can be undone by whoever guesses a part of the data; convert the image to one with encrypt.format=luks";
        context.FallBackToReadOnly($"qcow2: node '{context.Node.Name}' is only read: {Reason}");
        context.Graph.Events.Publish(new BlockWarning($"Node '{context.Node.Name}': {Reason}"));
    }

    // A check tells of what is wrong there, and uses none of it.
    private static async Task<BitmapDirectory> ReadBitmapsAsync(OpenContext context, BlockChild file, Qcow2HeaderArea area, CancellationToken cancel)
    {
        try
        {
            BitmapDirectory bitmaps = await BitmapDirectory.ReadAsync(file, area, cancel);
            await bitmaps.RequireSoundAsync(file, area.Header.CreateGeometry(), context.Node.IsReadOnly, cancel);
            return bitmaps;
        }
        catch (BlockException) when (context.IsForCheck)
        {
            return BitmapDirectory.Empty;
        }
    }

    private static async Task LoadBitmapsAsync(OpenContext context, Qcow2Metadata metadata, CancellationToken cancel)
    {
        try
        {
            if (!context.IsForInformation)
            {
                await metadata.KeptBitmaps.LoadAsync(cancel);
            }
        }
        catch (BlockException) when (context.IsForCheck)
        {
            // What was not loaded stays in the file as it is.
        }
    }

    // Where files count as the sectors that they take, so do images.
    private static long LengthOf(CreateContext context)
    {
        const int sectorBytes = 512;
        long lengthBytes = context.SizeBytes;
        return context.Graph.Profile.FilesHaveWholeSectors && lengthBytes <= BlockLimits.LengthBytesMax - sectorBytes
            ? (lengthBytes + sectorBytes - 1) / sectorBytes * sectorBytes
            : lengthBytes;
    }

    private static async Task<BlockChild?> OpenDataAsync(OpenContext context, BlockChild file, Qcow2HeaderArea area)
    {
        const string name = "data-file";
        bool hasDataFile = (area.Header.Incompatible & Qcow2IncompatibleFeatures.DataFile) != 0;
        if (hasDataFile && context.IsForInformation)
        {
            return null;
        }

        if (!hasDataFile && (area.Header.Autoclear & Qcow2AutoclearFeatures.RawDataFile) != 0 && !context.IsForInformation)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "data-file-raw requires a data file");
        }

        BlockChild? data = await context.OpenNamedChildAsync(name, ChildRole.Data, hasDataFile ? area.DataFileName : null);
        if (!hasDataFile)
        {
            return data is null ? file : throw new BlockException($"'{name}' can only be set for images with an external data file");
        }

        return data ?? throw new BlockException($"'{name}' is required for this image");
    }

    private static void CheckLength(Qcow2Header header)
    {
        Qcow2Geometry geometry = header.CreateGeometry();
        if (header.LengthBytes > BlockLimits.LengthBytesMax || geometry.L1EntryCount(header.LengthBytes) > int.MaxValue)
        {
            throw new BlockException(BlockErrorKind.TooLarge, "Image is too big");
        }

        if (header.L1EntryCount < geometry.L1EntryCount(header.LengthBytes))
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "L1 table is too small");
        }
    }
}
