using System.Buffers.Binary;
using System.Text;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>The first cluster of an image: the header, its extensions, the name of the backing file. A value: a change makes another, which is written as a whole.</summary>
internal sealed record Qcow2HeaderArea
{
    private const int FormatNameBytesMax = 16;
    private const int EncryptionHeaderBytes = 16;

    /// <summary>The fixed fields.</summary>
    public required Qcow2Header Header { get; init; }

    /// <summary>The name of the backing file, or null.</summary>
    public string? BackingFileName { get; init; }

    /// <summary>The format of the backing file, or null.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>The name of the external data file, or null.</summary>
    public string? DataFileName { get; init; }

    /// <summary>Where the encryption header lies and how long it is, or null.</summary>
    public (long Offset, long LengthBytes)? EncryptionHeader { get; init; }

    /// <summary>The data of the bitmaps extension; empty where there is none.</summary>
    public ReadOnlyMemory<byte> BitmapsExtension { get; init; }

    /// <summary>The image has a table of feature names.</summary>
    public bool HasFeatureNames { get; init; }

    /// <summary>What this driver does not know, kept as it is.</summary>
    public IReadOnlyList<Qcow2HeaderExtension> Unknown { get; init; } = [];

    /// <summary>Fields of the header that this driver does not know, kept as they are.</summary>
    public ReadOnlyMemory<byte> UnknownFields { get; init; }

    /// <summary>Reads the first cluster.</summary>
    /// <exception cref="BlockException">It is none, or needs what this driver does not know.</exception>
    public static Qcow2HeaderArea Parse(Qcow2Header header, ReadOnlySpan<byte> cluster)
    {
        int end = header.BackingNameOffset != 0 ? (int)header.BackingNameOffset : cluster.Length;
        List<Qcow2HeaderExtension> extensions = ReadExtensions(cluster, header.HeaderBytes, end);
        ulong unknown = (ulong)(header.Incompatible & ~Qcow2IncompatibleFeatures.Known);
        if (unknown != 0)
        {
            ReadOnlyMemory<byte> names = extensions.Find(extension => extension.Type == Qcow2HeaderExtension.FeatureNames)?.Data ?? default;
            throw new BlockException(BlockErrorKind.NotSupported, $"Unsupported qcow2 feature(s): {Qcow2FeatureNames.Describe(unknown, names.Span)}");
        }

        Qcow2HeaderArea area = new()
        {
            Header = header,
            UnknownFields = header.HeaderBytes > Qcow2Header.Size ? cluster[Qcow2Header.Size..header.HeaderBytes].ToArray() : default,
            BackingFileName = header.BackingNameBytes == 0 ? null : ReadName(cluster.Slice((int)header.BackingNameOffset, header.BackingNameBytes)),
        };
        return extensions.Aggregate(area, static (known, extension) => known.With(extension));
    }

    /// <summary>The same with another backing file; null for none.</summary>
    /// <exception cref="BlockException">It can have none, or the name is too long.</exception>
    public Qcow2HeaderArea WithBacking(string? fileName, string? format)
    {
        if (format is not null && fileName is null)
        {
            throw new BlockException("A backing format needs a backing file name");
        }

        if (fileName is not null && (Header.Autoclear & Qcow2AutoclearFeatures.RawDataFile) != 0)
        {
            throw new BlockException("Cannot set a backing file for an image whose data file is raw by itself");
        }

        Qcow2HeaderArea changed = this with { BackingFileName = fileName, BackingFormat = format };
        _ = changed.Format(out _);
        return changed;
    }

    /// <summary>The whole first cluster, with the header that leads to what is in it.</summary>
    /// <exception cref="BlockException">It does not fit.</exception>
    public byte[] Format(out Qcow2Header header)
    {
        try
        {
            return FormatAll(out header);
        }
        catch (BlockException error) when (error.Kind == BlockErrorKind.NoSpace && HasFeatureNames)
        {
            // The names are for others, and only of use where something is unknown.
            return (this with { HasFeatureNames = false }).FormatAll(out header);
        }
    }

    /// <summary>
    /// The first sector of an area that says the same and needs nothing that lies behind it, but for a name at the end of the cluster. Without what is only for others;
    /// null where it cannot be that short.
    /// </summary>
    public Qcow2ShortHeader? TryFormatShort(int sectorBytes) => TryFormatShort(sectorBytes, isNameLast: false) ?? TryFormatShort(sectorBytes, isNameLast: true);

    private Qcow2ShortHeader? TryFormatShort(int sectorBytes, bool isNameLast)
    {
        try
        {
            byte[] cluster = (this with { HasFeatureNames = false, Unknown = [] }).FormatAll(out Qcow2Header header, isNameLast);
            int nameOffset = isNameLast ? (int)header.BackingNameOffset : cluster.Length;
            return nameOffset < sectorBytes || cluster.AsSpan(sectorBytes..nameOffset).ContainsAnyExcept((byte)0) || header.HeaderBytes > sectorBytes
                ? null
                : new Qcow2ShortHeader(cluster[..sectorBytes], cluster.AsMemory(nameOffset), nameOffset);
        }
        catch (BlockException)
        {
            return null;
        }
    }

    private byte[] FormatAll(out Qcow2Header header, bool isNameLast = false)
    {
        byte[] cluster = new byte[1 << Header.ClusterBits];
        bool isLong = Header.Version >= 3;
        int at = isLong ? Qcow2Header.Size + (UnknownFields.Length + 7 & ~7) : Qcow2Header.SizeVersion2;
        int headerBytes = at;
        foreach (Qcow2HeaderExtension extension in Extensions().Append(new Qcow2HeaderExtension(Qcow2HeaderExtension.End, default)))
        {
            ThrowIfFull(at + extension.TotalBytes);
            extension.WriteTo(cluster.AsSpan(at));
            at += extension.TotalBytes;
        }

        byte[] name = Encoding.UTF8.GetBytes(BackingFileName ?? "");
        if (name.Length > Qcow2Header.BackingNameBytesMax)
        {
            throw new BlockException(BlockErrorKind.InvalidArgument, "Backing file name too long");
        }

        ThrowIfFull(at + name.Length);
        at = isNameLast ? cluster.Length - name.Length : at;
        name.CopyTo(cluster, at);
        header = Header with { HeaderBytes = headerBytes, BackingNameOffset = name.Length == 0 ? 0 : at, BackingNameBytes = name.Length };
        header.WriteTo(cluster);
        UnknownFields.Span.CopyTo(cluster.AsSpan(Qcow2Header.Size));
        return cluster;

        void ThrowIfFull(int neededBytes)
        {
            if (neededBytes > cluster.Length)
            {
                throw new BlockException(BlockErrorKind.NoSpace, $"The header of the image would take {neededBytes} bytes, a cluster has {cluster.Length}");
            }
        }
    }

    // Where the bitmaps are changes with the first sector: it is what comes first.
    private IEnumerable<Qcow2HeaderExtension> Extensions()
    {
        if (!BitmapsExtension.IsEmpty)
        {
            yield return new Qcow2HeaderExtension(Qcow2HeaderExtension.Bitmaps, BitmapsExtension);
        }

        if (BackingFormat is not null)
        {
            yield return OfText(Qcow2HeaderExtension.BackingFormat, BackingFormat);
        }

        if (DataFileName is not null)
        {
            yield return OfText(Qcow2HeaderExtension.DataFile, DataFileName);
        }

        if (EncryptionHeader is var (offset, lengthBytes))
        {
            byte[] data = new byte[EncryptionHeaderBytes];
            BinaryPrimitives.WriteInt64BigEndian(data, offset);
            BinaryPrimitives.WriteInt64BigEndian(data.AsSpan(8), lengthBytes);
            yield return new Qcow2HeaderExtension(Qcow2HeaderExtension.EncryptionHeader, data);
        }

        if (HasFeatureNames && Header.Version >= 3)
        {
            yield return Qcow2FeatureNames.Create();
        }

        foreach (Qcow2HeaderExtension extension in Unknown)
        {
            yield return extension;
        }
    }

    private Qcow2HeaderArea With(Qcow2HeaderExtension extension)
    {
        switch (extension.Type)
        {
            case Qcow2HeaderExtension.BackingFormat:
                if (extension.Data.Length >= FormatNameBytesMax)
                {
                    throw new BlockException(BlockErrorKind.CorruptImage, $"ERROR: ext_backing_format: len={extension.Data.Length} too large (>={FormatNameBytesMax})");
                }

                return this with { BackingFormat = extension.Data.IsEmpty ? null : ReadName(extension.Data.Span) };
            case Qcow2HeaderExtension.FeatureNames:
                return this with { HasFeatureNames = true };
            case Qcow2HeaderExtension.DataFile:
                return this with { DataFileName = ReadName(extension.Data.Span) };
            case Qcow2HeaderExtension.Bitmaps:
                return this with { BitmapsExtension = extension.Data };
            case Qcow2HeaderExtension.EncryptionHeader:
                return WithEncryption(extension.Data.Span);
            default:
                return this with { Unknown = [.. Unknown, extension] };
        }
    }

    private Qcow2HeaderArea WithEncryption(ReadOnlySpan<byte> data)
    {
        if (Header.Encryption != Qcow2Encryption.Luks)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "CRYPTO header extension only expected with LUKS encryption method");
        }

        if (data.Length != EncryptionHeaderBytes)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"CRYPTO header extension size {data.Length}, but expected size {EncryptionHeaderBytes}");
        }

        ulong offset = BinaryPrimitives.ReadUInt64BigEndian(data);
        ulong length = BinaryPrimitives.ReadUInt64BigEndian(data[8..]);
        if ((offset & ((1UL << Header.ClusterBits) - 1)) != 0 || offset > long.MaxValue)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"Encryption header offset '{offset}' is not a multiple of cluster size '{1 << Header.ClusterBits}'");
        }

        return length <= int.MaxValue
            ? this with { EncryptionHeader = ((long)offset, (long)length) }
            : throw new BlockException(BlockErrorKind.CorruptImage, $"Encryption header length '{length}' is too large");
    }

    private static List<Qcow2HeaderExtension> ReadExtensions(ReadOnlySpan<byte> cluster, int at, int end)
    {
        List<Qcow2HeaderExtension> extensions = [];

        // One whose head crosses the end is one that does not fit.
        while (at < end && cluster.Length - at >= Qcow2HeaderExtension.HeadBytes)
        {
            ReadOnlySpan<byte> head = cluster[at..];
            uint type = BinaryPrimitives.ReadUInt32BigEndian(head);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(head[4..]);
            if (type == Qcow2HeaderExtension.End)
            {
                break;
            }

            at += Qcow2HeaderExtension.HeadBytes;
            if (length > end - at)
            {
                throw new BlockException(BlockErrorKind.CorruptImage, "Header extension too large");
            }

            extensions.Add(new Qcow2HeaderExtension(type, cluster.Slice(at, (int)length).ToArray()));
            at += (int)((length + 7) & ~7u);
        }

        return extensions;
    }

    private static Qcow2HeaderExtension OfText(uint type, string text) => new(type, Encoding.UTF8.GetBytes(text));

    // A name ends where a C program would see its end.
    private static string ReadName(ReadOnlySpan<byte> bytes)
    {
        int zero = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(zero < 0 ? bytes : bytes[..zero]);
    }
}
