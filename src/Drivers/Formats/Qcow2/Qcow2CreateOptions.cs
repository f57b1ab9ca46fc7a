using System.Numerics;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>The options of a new image.</summary>
internal sealed record Qcow2CreateOptions
{
    /// <summary>What may be given.</summary>
    public static OptionSchema Schema { get; } = new(
    [
        .. Qcow2EncryptionOptions.Create,
        new OptionDefinition("cluster_size", OptionType.Size, "qcow2 cluster size") { Default = "65536" },
        new OptionDefinition("extended_l2", OptionType.Boolean, "Extended L2 tables") { Default = "off" },
        new OptionDefinition("preallocation", OptionType.String, "Preallocation mode (allowed values: off, metadata, falloc, full)"),
        new OptionDefinition("compression_type", OptionType.String, "Compression method used for image cluster compression") { Default = "zlib" },
        new OptionDefinition(CreateContext.SizeOption, OptionType.Size, "Virtual disk size"),
        new OptionDefinition("compat", OptionType.String, "Compatibility level (v2 [0.10] or v3 [1.1])"),
        new OptionDefinition(CreateContext.BackingFileOption, OptionType.String, "File name of a base image"),
        new OptionDefinition(CreateContext.BackingFormatOption, OptionType.String, "Image format of the base image"),
        new OptionDefinition("data_file", OptionType.String, "File name of an external data file"),
        new OptionDefinition("data_file_raw", OptionType.Boolean, "The external data file must stay valid as a raw image"),
        new OptionDefinition("lazy_refcounts", OptionType.Boolean, "Postpone refcount updates") { Default = "off" },
        new OptionDefinition("refcount_bits", OptionType.Integer, "Width of a reference count entry in bits") { Default = "16" },
    ]);

    /// <summary>The length that the guest sees, in bytes.</summary>
    public required long LengthBytes { get; init; }

    /// <summary>2 or 3.</summary>
    public int Version { get; init; } = 3;

    /// <summary>9 to 21.</summary>
    public int ClusterBits { get; init; } = 16;

    /// <summary>0 to 6.</summary>
    public int RefcountOrder { get; init; } = 4;

    /// <summary>How clusters are compressed.</summary>
    public Qcow2Compression Compression { get; init; }

    /// <summary>L2 entries have bitmaps of subclusters.</summary>
    public bool HasExtendedL2 { get; init; }

    /// <summary>Reference counts are written late.</summary>
    public bool HasLazyRefcounts { get; init; }

    /// <summary>The name of the backing file, or null.</summary>
    public string? BackingFileName { get; init; }

    /// <summary>The format of the backing file, or null.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>The name of the external data file, or null.</summary>
    public string? DataFileName { get; init; }

    /// <summary>The external data file is a raw image by itself.</summary>
    public bool HasRawDataFile { get; init; }

    /// <summary>How guest data is encrypted.</summary>
    public Qcow2Encryption Encryption { get; init; }

    /// <summary>What space is allocated at once.</summary>
    public PreallocationMode Preallocation { get; init; }

    /// <summary>How guest data is to be encrypted; null for not at all.</summary>
    public EncryptionRequest? EncryptionRequest { get; init; }

    /// <summary>Reads the options: each by itself in the order in which a script would be told of it, then what they are together.</summary>
    /// <param name="reader">The options.</param>
    /// <param name="lengthBytes">The length that the guest sees, in bytes.</param>
    /// <param name="isEncryptionRead">False where those about encryption are left to somebody else.</param>
    /// <exception cref="BlockException">One is none, or two contradict each other.</exception>
    public static Qcow2CreateOptions Read(OptionReader reader, long lengthBytes, bool isEncryptionRead = true)
    {
        string? encryption = isEncryptionRead ? Qcow2EncryptionOptions.ReadFormat(reader) : null;
        int version = ParseVersion(reader.GetString("compat") ?? "1.1");
        EncryptionRequest? request = isEncryptionRead ? Qcow2EncryptionOptions.ReadRequest(reader, encryption) : null;
        PreallocationMode preallocation = ParsePreallocation(reader.GetString("preallocation") ?? "off");
        Qcow2Compression compression = ParseCompression(reader.GetString("compression_type")!);
        bool hasExtendedL2 = reader.GetBoolean("extended_l2");
        if (version < 3 && hasExtendedL2)
        {
            throw NeedsVersion3("Extended L2 entries are only supported with compatibility level 1.1 and above");
        }

        Qcow2CreateOptions options = new()
        {
            LengthBytes = lengthBytes,
            Version = version,
            EncryptionRequest = request,
            Preallocation = preallocation,
            Compression = compression,
            HasExtendedL2 = hasExtendedL2,
            ClusterBits = ParseClusterBits(reader.GetSize("cluster_size"), hasExtendedL2),
            HasLazyRefcounts = reader.GetBoolean("lazy_refcounts"),
            BackingFileName = reader.GetString(CreateContext.BackingFileOption),
            BackingFormat = reader.GetString(CreateContext.BackingFormatOption),
            DataFileName = reader.GetString("data_file"),
            HasRawDataFile = reader.GetBoolean("data_file_raw"),
        };
        options.CheckBacking();
        options = options with { RefcountOrder = ParseRefcountOrder(reader.GetInteger("refcount_bits")) };
        options.CheckFeatures();
        return options;
    }

    /// <summary>The first cluster that says so, without the places of tables.</summary>
    public Qcow2HeaderArea CreateHeaderArea() => new()
    {
        Header = new Qcow2Header
        {
            Version = Version,
            ClusterBits = ClusterBits,
            LengthBytes = LengthBytes,
            L1EntryCount = 0,
            L1Offset = 0,
            RefcountTableOffset = 0,
            RefcountTableClusters = 0,
            RefcountOrder = RefcountOrder,
            HeaderBytes = Version >= 3 ? Qcow2Header.Size : Qcow2Header.SizeVersion2,
            Compression = Compression,
            Encryption = Encryption,
            Incompatible = (Compression != Qcow2Compression.Zlib ? Qcow2IncompatibleFeatures.CompressionType : Qcow2IncompatibleFeatures.None)
                | (HasExtendedL2 ? Qcow2IncompatibleFeatures.ExtendedL2 : Qcow2IncompatibleFeatures.None)
                | (DataFileName is not null ? Qcow2IncompatibleFeatures.DataFile : Qcow2IncompatibleFeatures.None),
            Autoclear = HasRawDataFile ? Qcow2AutoclearFeatures.RawDataFile : Qcow2AutoclearFeatures.None,
            Compatible = HasLazyRefcounts ? Qcow2CompatibleFeatures.LazyRefcounts : Qcow2CompatibleFeatures.None,
        },
        BackingFileName = BackingFileName,
        BackingFormat = BackingFormat,
        DataFileName = DataFileName,
        HasFeatureNames = true,
    };

    private void CheckBacking()
    {
        string? refusal = BackingFileName is not null && Preallocation != PreallocationMode.Off && !HasExtendedL2 ? "Backing file and preallocation can only be used at the same time if extended_l2 is on"
            : BackingFileName is null && BackingFormat is not null ? "Backing format cannot be used without backing file"
            : null;
        if (refusal is not null)
        {
            throw new BlockException(refusal);
        }

        if (Version < 3 && HasLazyRefcounts)
        {
            throw NeedsVersion3("Lazy refcounts only supported with compatibility level 1.1 and above");
        }
    }

    private void CheckFeatures()
    {
        if (Version < 3 && RefcountOrder != 4)
        {
            throw NeedsVersion3("Different refcount widths than 16 bits require compatibility level 1.1 or above");
        }

        string? refusal = DataFileName is null && HasRawDataFile ? "data-file-raw requires data-file"
            : BackingFileName is not null && HasRawDataFile ? "Backing file and data-file-raw cannot be used at the same time"
            : null;
        if (refusal is not null)
        {
            throw new BlockException(refusal);
        }

        if (Version < 3 && DataFileName is not null)
        {
            throw NeedsVersion3("External data files are only supported with compatibility level 1.1 and above");
        }

        if (Version < 3 && Compression != Qcow2Compression.Zlib)
        {
            throw NeedsVersion3("Non-zlib compression type is only supported with compatibility level 1.1 and above");
        }
    }

    private static BlockException NeedsVersion3(string text) => new($"{text} (use version=v3 or greater)");

    private static int ParseVersion(string compat) => compat switch
    {
        "0.10" or "v2" => 2,
        "1.1" or "v3" => 3,
        _ => throw new BlockException($"Parameter 'version' does not accept value '{compat}'"),
    };

    private static int ParseClusterBits(long clusterBytes, bool isExtended)
    {
        if (clusterBytes < 1L << Qcow2Geometry.ClusterBitsMin || clusterBytes > 1L << Qcow2Geometry.ClusterBitsMax || !BitOperations.IsPow2(clusterBytes))
        {
            throw new BlockException($"Cluster size must be a power of two between {1 << Qcow2Geometry.ClusterBitsMin} and {1 << (Qcow2Geometry.ClusterBitsMax - 10)}k");
        }

        return isExtended && clusterBytes < 1 << 14
            ? throw new BlockException("Extended L2 entries are only supported with cluster sizes of at least 16384 bytes")
            : BitOperations.Log2((ulong)clusterBytes);
    }

    private static int ParseRefcountOrder(long bits) => bits is >= 1 and <= 64 && BitOperations.IsPow2(bits)
        ? BitOperations.Log2((ulong)bits)
        : throw new BlockException("Refcount width must be a power of two and may not exceed 64 bits");

    private static Qcow2Compression ParseCompression(string type) => type switch
    {
        "zlib" => Qcow2Compression.Zlib,
        "zstd" => Qcow2Compression.Zstd,
        _ => throw new BlockException($"Parameter 'compression-type' does not accept value '{type}'"),
    };

    private static PreallocationMode ParsePreallocation(string mode) => PreallocationModes.Names.Contains(mode)
        ? PreallocationModes.Parse(mode)
        : throw new BlockException($"Parameter 'preallocation' does not accept value '{mode}'");
}
