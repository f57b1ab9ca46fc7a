using System.Numerics;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>The options of an open image.</summary>
internal sealed record Qcow2OpenOptions
{
    private const string OverlapCheck = "overlap-check";
    private const string OverlapTemplate = "overlap-check.template";
    private const long L2CacheBytesDefault = 32L << 20;
    private const long DraftBytesDefault = 16L << 20;
    private const int DraftBlockCountMin = 2;
    private const int DraftBlockCountMax = 8192;
    private const long CleanIntervalSecondsMax = uint.MaxValue;
    private const int SliceCountMin = 4;

    private static readonly string[] s_templates = ["none", "constant", "cached", "all"];

    private static readonly (string Name, MetadataKind Kind)[] s_checks =
    [
        ("main-header", MetadataKind.Header), ("active-l1", MetadataKind.ActiveL1), ("active-l2", MetadataKind.ActiveL2), ("refcount-table", MetadataKind.RefcountTable),
        ("refcount-block", MetadataKind.RefcountBlock), ("snapshot-table", MetadataKind.SnapshotTable), ("inactive-l1", MetadataKind.InactiveL1),
        ("inactive-l2", MetadataKind.InactiveL2), ("bitmap-directory", MetadataKind.BitmapDirectory),
    ];

    /// <summary>What may be given.</summary>
    public static OptionSchema Schema { get; } = new(
    [
        new OptionDefinition("file", OptionType.Child, "the node or options that hold the image") { IsRequired = true },
        new OptionDefinition("backing", OptionType.Child, "what shows where nothing was written; by default what the image names"),
        new OptionDefinition("data-file", OptionType.Child, "what holds the guest's data; by default what the image names"),
        .. Qcow2EncryptionOptions.Open,
        new OptionDefinition("lazy-refcounts", OptionType.Boolean, "write reference counts late, with the image marked dirty; by default as the image says") { IsMutable = true },
        new OptionDefinition("pass-discard-request", OptionType.Boolean, "the file lets go of what the guest discards; by default where discard=unmap") { IsMutable = true },
        new OptionDefinition("pass-discard-snapshot", OptionType.Boolean, "the file lets go of what a deleted snapshot had") { Default = "on", IsMutable = true },
        new OptionDefinition("pass-discard-other", OptionType.Boolean, "the file lets go of clusters that are freed otherwise") { Default = "off", IsMutable = true },
        new OptionDefinition("discard-no-unref", OptionType.Boolean, "discarded clusters stay where they are in the image") { Default = "off", IsMutable = true },
        new OptionDefinition(OverlapCheck, OptionType.Enum, "which structures no write may go over") { AllowedValues = s_templates, IsMutable = true },
        new OptionDefinition(OverlapTemplate, OptionType.Enum, "the same, for those that are not named one by one") { AllowedValues = s_templates, IsMutable = true },
        .. s_checks.Select(check => new OptionDefinition($"{OverlapCheck}.{check.Name}", OptionType.Boolean, "look for this structure before each write") { IsMutable = true }),
        new OptionDefinition("cache-size", OptionType.Size, "memory for tables of both kinds, in bytes") { IsMutable = true },
        new OptionDefinition("l2-cache-size", OptionType.Size, "most memory for L2 tables, in bytes; by default what the whole image needs, at most 32 MiB with what each piece takes beside its bytes. More than 4 MiB of it is used where tables are asked for again") { IsMutable = true },
        new OptionDefinition("l2-cache-entry-size", OptionType.Size, "how much of an L2 table is read at once, in bytes; by default 4 KiB, or a smaller cluster") { IsMutable = true },
        new OptionDefinition("refcount-cache-size", OptionType.Size, "memory for reference counts, in bytes; by default 256 KiB, or four larger clusters") { IsMutable = true },
        new OptionDefinition("cache-clean-interval", OptionType.Integer, "after how many seconds tables that are not used are given up, while the image is; 0 for never") { Default = "600", IsMutable = true },
    ]);

    /// <summary>How the image is said to be encrypted, or null.</summary>
    public string? EncryptionFormat { get; init; }

    /// <summary>The secret that opens it, or null.</summary>
    public string? SecretId { get; init; }

    /// <summary>Reference counts are written late; null for what the image says.</summary>
    public bool? LazyRefcounts { get; init; }

    /// <summary>A discard of the guest reaches the file; null where discards do.</summary>
    public bool? PassDiscardRequest { get; init; }

    /// <summary>What a deleted snapshot had is discarded.</summary>
    public bool PassDiscardSnapshot { get; init; }

    /// <summary>Other freed clusters are discarded.</summary>
    public bool PassDiscardOther { get; init; }

    /// <summary>Discarded clusters keep their place.</summary>
    public bool KeepsDiscarded { get; init; }

    /// <summary>Which structures are looked for before a write.</summary>
    public MetadataKind Checked { get; init; }

    /// <summary>After how many seconds unused tables are given up; 0 for never.</summary>
    public long CleanIntervalSeconds { get; init; }

    private long? CacheBytes { get; init; }

    private long? L2CacheBytes { get; init; }

    private long? L2EntryBytes { get; init; }

    private long? RefcountCacheBytes { get; init; }

    /// <summary>Reads the options.</summary>
    /// <exception cref="BlockException">One is none, or two contradict each other.</exception>
    public static Qcow2OpenOptions Read(OptionReader reader) => new Qcow2OpenOptions
    {
        EncryptionFormat = reader.GetString("encrypt.format"),
        SecretId = reader.GetString("encrypt.key-secret"),
        LazyRefcounts = reader.GetBooleanOrNull("lazy-refcounts"),
        PassDiscardRequest = reader.GetBooleanOrNull("pass-discard-request"),
        PassDiscardSnapshot = reader.GetBoolean("pass-discard-snapshot"),
        PassDiscardOther = reader.GetBoolean("pass-discard-other"),
        KeepsDiscarded = reader.GetBoolean("discard-no-unref"),
        Checked = ReadChecks(reader),
        CacheBytes = reader.GetSizeOrNull("cache-size"),
        L2CacheBytes = reader.GetSizeOrNull("l2-cache-size"),
        L2EntryBytes = reader.GetSizeOrNull("l2-cache-entry-size"),
        RefcountCacheBytes = reader.GetSizeOrNull("refcount-cache-size"),
        CleanIntervalSeconds = reader.GetInteger("cache-clean-interval"),
    }.Validated();

    /// <summary>Refuses what an image of these units cannot have.</summary>
    /// <exception cref="BlockException">It cannot.</exception>
    public void Check(Qcow2Header header)
    {
        if (LazyRefcounts == true && header.Version < 3)
        {
            throw new BlockException("Lazy refcounts require a qcow2 image with at least qemu 1.1 compatibility level");
        }

        int clusterBytes = 1 << header.ClusterBits;
        if (L2EntryBytes is { } bytes && (bytes < 512 || bytes > clusterBytes || !BitOperations.IsPow2(bytes)))
        {
            throw new BlockException($"L2 cache entry size must be a power of two between 512 and the cluster size ({clusterBytes})");
        }
    }

    /// <summary>Reference counts are written late.</summary>
    public bool UsesLazyRefcounts(Qcow2Header header) => header.Version >= 3 && (LazyRefcounts ?? (header.Compatible & Qcow2CompatibleFeatures.LazyRefcounts) != 0);

    /// <summary>The file is told to let go of what is given up for this reason.</summary>
    public bool PassesDiscard(DiscardReason reason, BlockNode node) => reason switch
    {
        DiscardReason.Request => PassDiscardRequest ?? node.Settings.DiscardUnmap,
        DiscardReason.Snapshot => PassDiscardSnapshot,
        DiscardReason.Other => PassDiscardOther,
        DiscardReason.Shortened => true,
        _ => false,
    };

    /// <summary>How long a slice of an L2 table is.</summary>
    public int L2SliceBytes(Qcow2Geometry geometry) => (int)(L2EntryBytes ?? Math.Min(geometry.ClusterBytes, Qcow2Metadata.SliceBytesMax));

    /// <summary>How many slices of L2 tables may be in memory.</summary>
    public int L2SliceCount(Qcow2Geometry geometry, long lengthBytes)
    {
        // By default what slices take beside their bytes counts, too: for slices of 512 bytes it is a quarter.
        long all = geometry.ClusterCount(lengthBytes) * geometry.L2EntryBytes;
        long most = L2CacheBytesDefault / (L2SliceBytes(geometry) + MetadataCache.OverheadBytes) * L2SliceBytes(geometry);
        long bytes = L2CacheBytes ?? (CacheBytes is { } both ? Math.Max(both - (RefcountCacheBytes ?? 0), both / 2) : Math.Min(all, most));
        return SliceCount(Math.Min(bytes, Math.Max(all, L2CacheBytesDefault)), L2SliceBytes(geometry));
    }

    /// <summary>How many slices of reference counts may be in memory.</summary>
    public int RefcountSliceCount(Qcow2Geometry geometry)
    {
        int sliceBytes = Math.Min(geometry.ClusterBytes, Qcow2Metadata.SliceBytesMax);
        long bytes = RefcountCacheBytes ?? (CacheBytes is { } both ? Math.Max(0, both - (L2CacheBytes ?? (both / 2))) : 4L * Math.Max(geometry.ClusterBytes, 64 << 10));
        return SliceCount(bytes, sliceBytes);
    }

    /// <summary>How many blocks of reference counts may be in memory while all of them are to become others, at once.</summary>
    public int DraftBlockCount(Qcow2Geometry geometry) => (int)Math.Clamp((RefcountCacheBytes ?? DraftBytesDefault) / geometry.ClusterBytes, DraftBlockCountMin, DraftBlockCountMax);

    private static int SliceCount(long bytes, int sliceBytes) => (int)Math.Clamp(bytes / sliceBytes, SliceCountMin, int.MaxValue / sliceBytes);

    private static MetadataKind ReadChecks(OptionReader reader)
    {
        string? template = reader.GetString(OverlapCheck);
        string? second = reader.GetString(OverlapTemplate);
        if (template is not null && second is not null && template != second)
        {
            throw new BlockException($"Conflicting values for qcow2 options '{OverlapCheck}' ('{template}') and '{OverlapTemplate}' ('{second}')");
        }

        MetadataKind kinds = (template ?? second ?? "cached") switch
        {
            "none" => MetadataKind.None,
            "constant" => MetadataKind.Header | MetadataKind.ActiveL1 | MetadataKind.RefcountTable | MetadataKind.SnapshotTable | MetadataKind.BitmapDirectory,
            "cached" => (MetadataKind)~0 & ~MetadataKind.InactiveL2,
            "all" => (MetadataKind)~0,
            string unknown => throw new BlockException(
                $"Unsupported value '{unknown}' for qcow2 option '{OverlapCheck}'. Allowed are any of the following: {string.Join(", ", s_templates)}"),
        };
        foreach ((string name, MetadataKind kind) in s_checks)
        {
            kinds = reader.GetBooleanOrNull($"{OverlapCheck}.{name}") switch { true => kinds | kind, false => kinds & ~kind, _ => kinds };
        }

        return kinds;
    }

    private Qcow2OpenOptions Validated()
    {
        if (CacheBytes is { } both)
        {
            string? refusal = L2CacheBytes is not null && RefcountCacheBytes is not null ? "cache-size, l2-cache-size and refcount-cache-size may not be set at the same time"
                : L2CacheBytes > both ? "l2-cache-size may not exceed cache-size"
                : RefcountCacheBytes > both ? "refcount-cache-size may not exceed cache-size"
                : null;
            if (refusal is not null)
            {
                throw new BlockException(refusal);
            }
        }

        return CleanIntervalSeconds is >= 0 and <= CleanIntervalSecondsMax ? this : throw new BlockException("Cache clean interval too big");
    }
}
