using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Img;

/// <summary>What <c>img info</c> tells of one image. <i>QEMU: ImageInfo.</i></summary>
internal sealed record ImageDescription
{
    private const int NsPerSecond = 1_000_000_000;

    /// <summary>Its name.</summary>
    public required string FileName { get; init; }

    /// <summary>Its format.</summary>
    public required string Format { get; init; }

    /// <summary>How long it is for whoever uses it.</summary>
    public required long LengthBytes { get; init; }

    /// <summary>What it takes where it is stored; null where that is not known.</summary>
    public required long? AllocatedBytes { get; init; }

    /// <summary>What its format tells of it.</summary>
    public required ImageInformation? Information { get; init; }

    private string? BackingFileName { get; init; }

    private string? FullBackingFileName { get; init; }

    private string? BackingFormat { get; init; }

    private IReadOnlyList<ImageSnapshot> Snapshots { get; init; } = [];

    /// <summary>Asks the image that is open at <paramref name="backend"/>.</summary>
    /// <exception cref="BlockCore.Errors.BlockException">It does not answer.</exception>
    public static async Task<ImageDescription> OfAsync(BlockBackend backend)
    {
        BlockNode node = backend.Root!;
        return new ImageDescription
        {
            FileName = node.ShownFileNameWithBacking,
            Format = node.Driver.Name,
            LengthBytes = backend.LengthBytes,
            AllocatedBytes = await node.GetAllocatedBytesAsync(),
            Information = await node.GetInformationAsync(),
            BackingFileName = node.Instance.BackingFileName,
            FullBackingFileName = node.FullBackingFileName,
            BackingFormat = node.Instance.BackingFormat,
            Snapshots = node.Instance.Snapshots?.All ?? [],
        };
    }

    /// <summary>Prints it for a person.</summary>
    public void Print(TextWriter output)
    {
        output.WriteLine($"image: {FileName}");
        output.WriteLine($"file format: {Format}");
        output.WriteLine($"virtual size: {SizeWords.Of(LengthBytes)} ({LengthBytes} bytes)");
        output.WriteLine($"disk size: {(AllocatedBytes is { } allocated ? SizeWords.Of(allocated) : "unavailable")}");
        if (Information is { IsEncrypted: true })
        {
            output.WriteLine("encrypted: yes");
        }

        if (Information?.ClusterBytes is { } clusterBytes)
        {
            output.WriteLine($"cluster_size: {clusterBytes}");
        }

        if (Information?.IsDirty == true)
        {
            output.WriteLine("cleanly shut down: no");
        }

        if (BackingFileName is not null)
        {
            output.WriteLine(BackingFileName == FullBackingFileName || FullBackingFileName is null
                ? $"backing file: {BackingFileName}"
                : $"backing file: {BackingFileName} (actual path: {FullBackingFileName})");
        }

        if (BackingFormat is not null)
        {
            output.WriteLine($"backing file format: {BackingFormat}");
        }

        SnapshotTable.Print(output, Snapshots);
        SpecificInformation.Print(output, Information);
    }

    /// <summary>The same for a program.</summary>
    public OptionsDictionary ToJson()
    {
        OptionsDictionary json = new()
        {
            { "filename", FileName },
            { "format", Format },
            { "virtual-size", LengthBytes },
        };
        AddUnlessNull(json, "actual-size", AllocatedBytes);
        AddUnlessNull(json, "cluster-size", Information?.ClusterBytes);
        if (Information is not null)
        {
            AddTrue(json, "encrypted", Information.IsEncrypted);
            AddTrue(json, "compressed", Information.IsCompressed);
            if (Information.IsDirty is { } isDirty)
            {
                json.Add("dirty-flag", isDirty);
            }
        }

        AddUnlessNull(json, "backing-filename", BackingFileName);
        AddUnlessNull(json, "full-backing-filename", FullBackingFileName);
        AddUnlessNull(json, "backing-filename-format", BackingFormat);
        if (Snapshots.Count > 0)
        {
            json.Add("snapshots", ListOf(Snapshots.Select(ToJson)));
        }

        if (Information?.Specific is { } specific)
        {
            json.Add("format-specific", specific);
        }

        return json;
    }

    /// <summary>The list of <paramref name="items"/>.</summary>
    public static OptionsList ListOf(IEnumerable<OptionValue> items)
    {
        OptionsList list = [];
        foreach (OptionValue item in items)
        {
            list.Add(item);
        }

        return list;
    }

    private static OptionsDictionary ToJson(ImageSnapshot snapshot)
    {
        OptionsDictionary json = new()
        {
            { "id", snapshot.Id },
            { "name", snapshot.Name },
            { "vm-state-size", snapshot.VmStateBytes },
            { "date-sec", snapshot.Date.ToUnixTimeSeconds() },
            { "date-nsec", snapshot.Date.UtcTicks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick },
            { "vm-clock-sec", snapshot.VmClockNs / NsPerSecond },
            { "vm-clock-nsec", snapshot.VmClockNs % NsPerSecond },
        };
        if (snapshot.InstructionCount is { } count)
        {
            json.Add("icount", count);
        }

        return json;
    }

    private static void AddUnlessNull(OptionsDictionary json, string key, string? value)
    {
        if (value is not null)
        {
            json.Add(key, value);
        }
    }

    private static void AddUnlessNull(OptionsDictionary json, string key, long? value)
    {
        if (value is { } number)
        {
            json.Add(key, number);
        }
    }

    private static void AddTrue(OptionsDictionary json, string key, bool value)
    {
        if (value)
        {
            json.Add(key, true);
        }
    }
}
