using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>The drivers of one graph, by name, by protocol prefix and by probing. <i>QEMU: the list of bdrv_register().</i></summary>
public sealed class DriverRegistry
{
    /// <summary>How many bytes of an image a probe sees.</summary>
    public const int ProbeBytes = 512;

    private readonly OrderedDictionary<string, BlockDriver> _byName = new(StringComparer.Ordinal);

    /// <summary>Registers <paramref name="drivers"/>; of two with one name the later counts.</summary>
    public DriverRegistry(IEnumerable<BlockDriver> drivers)
    {
        ArgumentNullException.ThrowIfNull(drivers);
        foreach (BlockDriver driver in drivers)
        {
            _byName[driver.Name] = driver;
        }
    }

    /// <summary>The drivers, in order of registration.</summary>
    public IReadOnlyList<BlockDriver> All => _byName.Values;

    /// <summary>The driver <paramref name="name"/>.</summary>
    /// <exception cref="BlockException">There is none.</exception>
    public BlockDriver Get(string name, bool suggestsNearest = false)
    {
        if (_byName.TryGetValue(name, out BlockDriver? driver))
        {
            return driver;
        }

        string? nearest = suggestsNearest ? NearestText.Find(name, _byName.Keys) : null;
        throw new BlockException(BlockErrorKind.NotFound, $"Unknown driver '{name}'" + (nearest is null ? "" : $" (did you mean '{nearest}'?)"));
    }

    /// <summary>The protocol driver that <paramref name="fileName"/> means by its prefix, or, where it has none, by what it stands for on <paramref name="platform"/>.</summary>
    /// <exception cref="BlockException">The prefix belongs to no driver.</exception>
    public BlockDriver FindProtocol(string fileName, HostPlatform platform)
    {
        string? prefix = ProtocolPrefix(fileName);
        if (prefix is null)
        {
            return _byName.Values.FirstOrDefault(driver => driver.IsMeantByName(fileName, platform)) ?? Get("file");
        }

        foreach (BlockDriver driver in _byName.Values)
        {
            if (driver.ProtocolName == prefix)
            {
                return driver;
            }
        }

        throw new BlockException(BlockErrorKind.NotFound, $"Unknown protocol '{prefix}'");
    }

    /// <summary>What stands before a colon that comes before the first slash, or null.</summary>
    public static string? ProtocolPrefix(string fileName)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        int end = fileName.AsSpan().IndexOfAny(':', '/');
        return end >= 0 && fileName[end] == ':' ? fileName[..end] : null;
    }

    /// <summary>True where an image that begins with <paramref name="head"/> would be taken for another format than <paramref name="driver"/>'s.</summary>
    public bool RecognizesOtherThan(BlockDriver driver, ReadOnlySpan<byte> head)
    {
        foreach (BlockDriver other in _byName.Values)
        {
            if (!ReferenceEquals(other, driver) && other.Category == DriverCategory.Format && other.Probe(head) > driver.Probe(head))
            {
                return true;
            }
        }

        return FormatSignatures.Find(head) is { } format && format != driver.Name;
    }

    /// <summary>The format driver for an image that begins with <paramref name="head"/>; of equal scores the driver registered last wins.</summary>
    /// <exception cref="BlockException">The image's format has no driver here; the message names the format.</exception>
    internal BlockDriver ProbeFormat(ReadOnlySpan<byte> head, string? fileName)
    {
        BlockDriver? best = null;
        int bestScore = 0;
        foreach (BlockDriver driver in _byName.Values)
        {
            int score = driver.Category == DriverCategory.Format ? driver.Probe(head) : 0;
            if (score > 0 && score >= bestScore)
            {
                best = driver;
                bestScore = score;
            }
        }

        if (bestScore < BlockDriver.ProbeScoreSignature && (FormatSignatures.Find(head) ?? FormatSignatures.FindByName(fileName)) is { } format)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"The image '{fileName}' is in format '{format}', for which there is no driver here (driver=raw shows its raw bytes)");
        }

        return best ?? throw new BlockException("Could not determine image format: No compatible driver found");
    }
}
