using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Formats.Raw;

/// <summary>Which part of its file a raw image is.</summary>
/// <param name="OffsetBytes">Where it begins.</param>
/// <param name="SizeBytes">How long it is; null to the file's end.</param>
internal readonly record struct RawWindow(long OffsetBytes, long? SizeBytes)
{
    private const int SectorBytes = 512;

    /// <summary>True for the whole file.</summary>
    public bool IsWhole => OffsetBytes == 0 && SizeBytes is null;

    /// <summary>Reads the options <c>offset</c> and <c>size</c>.</summary>
    public static RawWindow Read(OptionReader options) => new(options.GetSize("offset"), options.GetSizeOrNull("size"));

    /// <summary>Refuses a window that is not in a file of <paramref name="lengthBytes"/>.</summary>
    /// <exception cref="BlockException">It begins or ends beyond the file's end, or is no whole number of sectors.</exception>
    public void Check(long lengthBytes)
    {
        if (OffsetBytes > lengthBytes)
        {
            throw new BlockException($"Offset ({OffsetBytes}) cannot be greater than size of the containing file ({lengthBytes})");
        }

        if (SizeBytes > lengthBytes - OffsetBytes)
        {
            // Two blanks: users match on the text.
            throw new BlockException($"The sum of offset ({OffsetBytes}) and size ({SizeBytes}) has to be smaller or equal to the  actual size of the containing file ({lengthBytes})");
        }

        if (SizeBytes % SectorBytes > 0)
        {
            throw new BlockException($"Specified size is not multiple of {SectorBytes}");
        }
    }
}
