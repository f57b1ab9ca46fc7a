using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit.Cow;

/// <summary>How a new <c>cow</c> image is made.</summary>
/// <param name="LengthBytes">The length of the image, in bytes.</param>
public sealed record CowImageOptions(long LengthBytes)
{
    /// <summary>The length of a cluster, in bytes: a power of two. Short ones let small tests meet their boundaries.</summary>
    public int ClusterBytes { get; init; } = 4096;

    /// <summary>The length up to which the image can grow, in bytes; four times its own, and at least 4 MiB, where null.</summary>
    public long? LengthBytesMax { get; init; }

    /// <summary>The name of the backing file in the header, or null. A relative one lies beside the image.</summary>
    public string? BackingFileName { get; init; }

    /// <summary>The format of the backing file in the header; null to probe.</summary>
    public string? BackingFormat { get; init; }

    private static OptionSchema Schema { get; } = new(
        new OptionDefinition("size", OptionType.Size, "length in bytes") { IsRequired = true },
        new OptionDefinition("size-max", OptionType.Size, "length up to which it can grow"),
        new OptionDefinition("cluster-size", OptionType.Size, "length of a cluster in bytes") { Default = "4k" },
        new OptionDefinition("backing-file", OptionType.String, "name of the backing file"),
        new OptionDefinition("backing-fmt", OptionType.String, "format of the backing file"));

    /// <summary>Reads <c>size</c>, <c>size-max</c>, <c>cluster-size</c>, <c>backing-file</c> and <c>backing-fmt</c>; there may be nothing else.</summary>
    /// <exception cref="BlockException">A value is malformed or missing, or there is another option.</exception>
    public static CowImageOptions Read(OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options = options.Clone();
        OptionReader reader = new(options, Schema);
        CowImageOptions image = new(reader.GetSize("size"))
        {
            LengthBytesMax = reader.GetSizeOrNull("size-max"),
            ClusterBytes = (int)Math.Min(reader.GetSize("cluster-size"), int.MaxValue),
            BackingFileName = reader.GetString("backing-file"),
            BackingFormat = reader.GetString("backing-fmt"),
        };
        return options.Count == 0 ? image : throw new BlockException($"A cow image has no option '{options.Keys.First()}'");
    }
}

/// <summary>Makes <c>cow</c> images: as bytes, in storage of the test kit, in a node, in a file of the host.</summary>
public static class CowImage
{
    private const long GrowthBytesMin = 4 << 20;

    /// <summary>The bytes of a new image, in which nothing is allocated.</summary>
    /// <exception cref="BlockException">The options say what no image can be; the message names the field.</exception>
    public static byte[] Format(CowImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        long longest = options.LengthBytesMax ?? Math.Max(GrowthBytesMin, checked(options.LengthBytes * 4));
        CowHeader header = new CowHeader
        {
            ClusterBytes = options.ClusterBytes,
            EntryCount = (int)Math.Clamp((longest + options.ClusterBytes - 1) / Math.Max(1, options.ClusterBytes), 1, int.MaxValue),
            LengthBytes = options.LengthBytes,
        }.WithBacking(options.BackingFileName, options.BackingFormat);
        byte[] area = new byte[CowHeader.Size];
        header.WriteTo(area);
        header.GetNameBytes().CopyTo(area, header.NameOffset);
        if (!CowHeader.TryParse(area, out _, out BlockException? refusal))
        {
            throw refusal;
        }

        byte[] image = new byte[header.DataOffset];
        area.CopyTo(image, 0);
        return image;
    }

    /// <summary>The bytes of a new image of <paramref name="lengthBytes"/>.</summary>
    public static byte[] Format(long lengthBytes) => Format(new CowImageOptions(lengthBytes));

    /// <summary>Makes <paramref name="storage"/> hold a new image, and nothing else.</summary>
    public static void Format(MemoryStorage storage, CowImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(storage);
        storage.Replace(Format(options));
    }

    /// <summary>Makes the file at <paramref name="path"/> hold a new image, and nothing else.</summary>
    public static void Format(string path, CowImageOptions options) => File.WriteAllBytes(path, Format(options));

    /// <summary>Makes <paramref name="node"/> hold a new image. Nobody else may write it meanwhile.</summary>
    public static async Task CreateAsync(BlockNode node, CowImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(node);
        byte[] image = Format(options);
        await using BlockBackend backend = await node.Graph.AttachBackendAsync(node, new BackendOptions { CanResize = true });
        await backend.TruncateAsync(image.Length);
        await backend.WriteAsync(0, image);
        await backend.FlushAsync();
    }
}
