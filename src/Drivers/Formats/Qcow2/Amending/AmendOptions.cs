using System.Numerics;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Formats.Qcow2.Amending;

/// <summary>What is to change of an image; null where nothing is said.</summary>
internal sealed record AmendOptions
{
    /// <summary>What may be given.</summary>
    public static OptionSchema Schema { get; } = new(
    [
        new OptionDefinition(CreateContext.BackingFileOption, OptionType.String, "File name of a base image"),
        new OptionDefinition(CreateContext.BackingFormatOption, OptionType.String, "Image format of the base image"),
        new OptionDefinition("compat", OptionType.String, "Compatibility level (v2 [0.10] or v3 [1.1])"),
        new OptionDefinition("data_file", OptionType.String, "File name of an external data file"),
        new OptionDefinition("data_file_raw", OptionType.Boolean, "The external data file must stay valid as a raw image"),
        .. LuksKeyChangeReader.Define(Qcow2EncryptionOptions.Prefix).OrderBy(static definition => definition.Name, StringComparer.Ordinal),
        new OptionDefinition("lazy_refcounts", OptionType.Boolean, "Postpone refcount updates"),
        new OptionDefinition("refcount_bits", OptionType.Integer, "Width of a reference count entry in bits"),
        new OptionDefinition("size", OptionType.Size, "Virtual disk size"),
    ]);

    /// <summary>2 or 3.</summary>
    public int? Version { get; init; }

    /// <summary>0 to 6.</summary>
    public int? RefcountOrder { get; init; }

    /// <summary>Reference counts are written late.</summary>
    public bool? HasLazyRefcounts { get; init; }

    /// <summary>The length that the guest sees, in bytes.</summary>
    public long? LengthBytes { get; init; }

    /// <summary>The name of the external data file; empty for none.</summary>
    public string? DataFileName { get; init; }

    /// <summary>The data file is a raw image by itself.</summary>
    public bool? IsDataFileRaw { get; init; }

    /// <summary>The backing file that the image is to name.</summary>
    public RecordedBacking? Backing { get; init; }

    /// <summary>A backing file or its format is said that is not the image's, and may not become it.</summary>
    private bool HasOtherBacking { get; init; }

    /// <summary>Key slots are to change.</summary>
    public bool ChangesKeys { get; init; }

    /// <summary>Reads the options, but for those about key slots.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="area">What the first cluster says.</param>
    /// <exception cref="BlockException">One is none.</exception>
    public static AmendOptions Read(ImageAmendRequest request, Qcow2HeaderArea area)
    {
        OptionReader reader = new(request.Options.Clone(), Schema);
        string? backingFileName = reader.GetString(CreateContext.BackingFileOption);
        string? backingFormat = reader.GetString(CreateContext.BackingFormatOption);
        return new AmendOptions
        {
            Version = reader.GetString("compat") is { } compat ? ParseVersion(compat) : null,
            RefcountOrder = reader.GetIntegerOrNull("refcount_bits") is { } bits ? ParseRefcountOrder(bits) : null,
            HasLazyRefcounts = reader.GetBooleanOrNull("lazy_refcounts"),
            LengthBytes = reader.GetSizeOrNull("size") is { } length and not 0 ? length : null,
            DataFileName = reader.GetString("data_file"),
            IsDataFileRaw = reader.GetBooleanOrNull("data_file_raw"),
            Backing = request.Backing,
            HasOtherBacking = request.Backing is null && (backingFileName ?? backingFormat) is not null && (backingFileName != area.BackingFileName || backingFormat != area.BackingFormat),
            ChangesKeys = request.Options.Keys.Any(static key => key.StartsWith(Qcow2EncryptionOptions.Prefix, StringComparison.Ordinal)),
        };
    }

    /// <summary>Refuses what an image cannot become, as far as its first cluster says; whether it can become one of version 2 is another question.</summary>
    /// <param name="area">What the first cluster says.</param>
    /// <param name="backingBytes">The length of its backing image; 0 without one.</param>
    /// <exception cref="BlockException">It cannot.</exception>
    public void Check(Qcow2HeaderArea area, long backingBytes)
    {
        Qcow2Header header = area.Header;
        if (ChangesKeys && header.Encryption != Qcow2Encryption.Luks)
        {
            throw new BlockException(BlockErrorKind.NotSupported, header.Encryption == Qcow2Encryption.None
                ? "Can't amend encryption options - encryption not present"
                : "Only LUKS encryption options can be amended");
        }

        int version = Version ?? header.Version;
        bool hasDataFile = (header.Incompatible & Qcow2IncompatibleFeatures.DataFile) != 0;
        bool isDataFileRaw = (header.Autoclear & Qcow2AutoclearFeatures.RawDataFile) != 0;
        string? refusal = DataFileName is not null && !hasDataFile ? "data-file can only be set for images that use an external data file"
            : IsDataFileRaw == true && !isDataFileRaw ? "data-file-raw cannot be set on existing images"
            : version < 3 && RefcountOrder is not (null or 4) ? "Refcount widths other than 16 bits require compatibility level 1.1 or above (use compat=1.1 or greater)"
            : null;
        if (refusal is not null)
        {
            throw new BlockException(refusal);
        }

        if (HasOtherBacking)
        {
            throw new BlockException(BlockErrorKind.NotSupported, "Cannot amend the backing file") { Hint = "You can use 'qemu-img rebase' instead." };
        }

        if (HasLazyRefcounts == true && version < 3)
        {
            throw new BlockException("Lazy refcounts only supported with compatibility level 1.1 and above (use compat=1.1 or greater)");
        }

        if (LengthBytes is { } length && length != header.LengthBytes)
        {
            CheckLength(area, length, version, Math.Max(backingBytes, Backing?.LengthBytes ?? 0));
        }

        _ = Change(area).Format(out _);
    }

    /// <summary>The first cluster of the image that it becomes, but for the place of its counts. Everything is counted in the file: it is not dirty until the next change.</summary>
    /// <exception cref="BlockException">It cannot have such a backing file.</exception>
    public Qcow2HeaderArea Change(Qcow2HeaderArea area)
    {
        Qcow2Header header = area.Header;
        int version = Version ?? header.Version;
        bool isLazy = HasLazyRefcounts ?? (header.Compatible & Qcow2CompatibleFeatures.LazyRefcounts) != 0;
        header = header with
        {
            Version = version,
            Incompatible = header.Incompatible & ~Qcow2IncompatibleFeatures.Dirty,
            Compatible = isLazy ? header.Compatible | Qcow2CompatibleFeatures.LazyRefcounts : header.Compatible & ~Qcow2CompatibleFeatures.LazyRefcounts,
            Autoclear = IsDataFileRaw == false ? header.Autoclear & ~Qcow2AutoclearFeatures.RawDataFile : header.Autoclear,
        };
        if (version < 3)
        {
            header = header with
            {
                Incompatible = Qcow2IncompatibleFeatures.None,
                Compatible = Qcow2CompatibleFeatures.None,
                Autoclear = Qcow2AutoclearFeatures.None,
                Compression = Qcow2Compression.Zlib,
            };
        }

        Qcow2HeaderArea changed = area with
        {
            Header = header,
            HasFeatureNames = version >= 3 && (area.HasFeatureNames || version > area.Header.Version),
            BitmapsExtension = version < area.Header.Version ? default : area.BitmapsExtension,
            UnknownFields = version >= 3 ? area.UnknownFields : default,
            DataFileName = DataFileName is { } name ? (name.Length == 0 ? null : name) : area.DataFileName,
        };
        return Backing is null ? changed : WithBacking(changed, Backing);
    }

    private static Qcow2HeaderArea WithBacking(Qcow2HeaderArea area, RecordedBacking backing)
    {
        try
        {
            return area.WithBacking(backing.FileName, backing.Format);
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"{CreateContext.BackingFileOption}: ");
        }
    }

    // Version 2 has no zeros that would hide what a longer backing image has behind the old end.
    private static void CheckLength(Qcow2HeaderArea area, long lengthBytes, int version, long backingBytes)
    {
        string? refusal = lengthBytes % 512 != 0 ? "The new size must be a multiple of 512"
            : area.Header.SnapshotCount > 0 && area.Header.Version < 3 && version < 3 ? "Can't resize a v2 image which has snapshots"
            : version < 3 && Math.Min(lengthBytes, backingBytes) > area.Header.LengthBytes ? Qcow2Instance.CannotHide
            : null;
        if (refusal is not null)
        {
            throw new BlockException(BlockErrorKind.NotSupported, refusal);
        }
    }

    /// <summary>Refuses an image that is to become one of version 2 and cannot, as far as its first cluster says. Reference counts that are late, and another method of compression, are seen to on the way.</summary>
    /// <param name="area">What the first cluster says.</param>
    /// <param name="keepsBitmaps">It has dirty bitmaps, and must not lose them.</param>
    /// <exception cref="BlockException">It cannot.</exception>
    public void CheckDowngrade(Qcow2HeaderArea area, bool keepsBitmaps)
    {
        if (!(Version < area.Header.Version))
        {
            return;
        }

        Qcow2IncompatibleFeatures lasting = area.Header.Incompatible & ~(Qcow2IncompatibleFeatures.Dirty | Qcow2IncompatibleFeatures.CompressionType);
        string? refusal = (RefcountOrder ?? area.Header.RefcountOrder) != 4 ? "compat=0.10 requires refcount_bits=16"
            : (lasting & Qcow2IncompatibleFeatures.DataFile) != 0 ? "Cannot downgrade an image with a data file"
            : lasting != 0 ? $"Cannot downgrade an image with incompatible features 0x{(ulong)lasting:x} set"
            : keepsBitmaps ? "Cannot downgrade an image which has bitmaps"
            : null;
        if (refusal is not null)
        {
            throw new BlockException(BlockErrorKind.NotSupported, refusal);
        }
    }

    private static int ParseVersion(string compat) => compat switch
    {
        "0.10" or "v2" => 2,
        "1.1" or "v3" => 3,
        _ => throw new BlockException($"Unknown compatibility level {compat}"),
    };

    private static int ParseRefcountOrder(long bits) => bits is >= 1 and <= 64 && BitOperations.IsPow2(bits)
        ? BitOperations.Log2((ulong)bits)
        : throw new BlockException("Refcount width must be a power of two and may not exceed 64 bits");
}
