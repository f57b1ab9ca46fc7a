using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Filters.Preallocate;

/// <summary>What the options of a preallocate node say, in bytes.</summary>
/// <param name="SizeBytes">How much is allocated beyond the end of a write that makes the file longer.</param>
/// <param name="AlignBytes">The end of what is allocated is a multiple of this.</param>
internal sealed record PreallocateOptions(long SizeBytes, long AlignBytes)
{
    private const string AlignKey = "prealloc-align";
    private const string SizeKey = "prealloc-size";
    private const int SectorBytes = 512;

    /// <summary>The options of the driver.</summary>
    public static OptionSchema Schema { get; } = new(
        new OptionDefinition("file", OptionType.Child, "the storage below the format") { IsRequired = true },
        new OptionDefinition(AlignKey, OptionType.Size, "what is allocated ends at a multiple of this many bytes") { Default = "1M", IsMutable = true },
        new OptionDefinition(SizeKey, OptionType.Size, "how much to allocate beyond the end of a write, in bytes") { Default = "128M", IsMutable = true });

    /// <summary>Reads the options, for a child whose requests are aligned to <paramref name="childAlignmentBytes"/>.</summary>
    /// <exception cref="BlockException">One is malformed, or does not fit the child.</exception>
    public static PreallocateOptions Read(OptionReader reader, int childAlignmentBytes)
    {
        long align = reader.GetSize(AlignKey);
        if (align % SectorBytes != 0)
        {
            throw new BlockException($"{AlignKey} parameter of preallocate filter is not aligned to {SectorBytes}");
        }

        if (align % childAlignmentBytes != 0)
        {
            throw new BlockException($"{AlignKey} parameter of preallocate filter is not aligned to underlying node request alignment ({childAlignmentBytes})");
        }

        return new PreallocateOptions(reader.GetSize(SizeKey), align);
    }
}
