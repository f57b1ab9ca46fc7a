using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit.Cow;

/// <summary>What the options of a <c>cow</c> node say.</summary>
/// <param name="IsTableLazy">Entries of the table are written at the next flush, many at once; otherwise each before its request completes.</param>
/// <param name="PassesDiscard">What a discard frees is discarded in the file too.</param>
/// <param name="LengthBytes">The length that is shown; null for the image's own.</param>
internal readonly record struct CowOptions(bool IsTableLazy, bool PassesDiscard, long? LengthBytes)
{
    /// <summary>The options of the driver.</summary>
    public static OptionSchema Schema { get; } = new(
        new OptionDefinition("file", OptionType.Child, "the node or options that hold the image") { IsRequired = true },
        new OptionDefinition("backing", OptionType.Child, "the node or options that supply what the image has not; as its header says where absent"),
        new OptionDefinition("lazy-table", OptionType.Boolean, "write the table at the next flush") { Default = "off", IsMutable = true },
        new OptionDefinition("pass-discard", OptionType.Boolean, "discard in the file what a discard frees") { Default = "on", IsMutable = true },
        new OptionDefinition("length", OptionType.Size, "how much of the image is shown, in bytes; all of it where absent") { IsStrong = true });

    /// <summary>Reads the options.</summary>
    /// <exception cref="BlockException">A value is malformed.</exception>
    public static CowOptions Read(OptionReader reader) => new(reader.GetBoolean("lazy-table"), reader.GetBoolean("pass-discard"), reader.GetSizeOrNull("length"));

    /// <summary>Refuses to show more than there is.</summary>
    /// <exception cref="BlockException">The length is longer than the image.</exception>
    public void Check(in CowHeader header)
    {
        if (LengthBytes > header.LengthBytes)
        {
            throw new BlockException($"The option 'length' ({LengthBytes}) cannot be greater than the image's length ({header.LengthBytes})");
        }
    }
}
