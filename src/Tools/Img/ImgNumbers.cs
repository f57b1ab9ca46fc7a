using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Img;

/// <summary>Reads the numbers of image commands, and says what is wrong with those that are none. <i>QEMU: cvtnum_full().</i></summary>
internal static class ImgNumbers
{
    private const string SuffixText =
        "You may use k, M, G, T, P or E suffixes for\nkilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.";

    /// <summary>A number of bytes from 0 to <paramref name="most"/>, with a suffix of base 1024 or without.</summary>
    /// <param name="what">What the number is, for the error texts.</param>
    /// <param name="text">What the user wrote.</param>
    /// <param name="most">The largest number that there can be.</param>
    /// <exception cref="BlockException">It is malformed, or out of range.</exception>
    public static long ReadSize(string what, string text, long most) => SizeText.TryParse(text, out ulong bytes) switch
    {
        NumberTextStatus.Ok when bytes <= (ulong)most => (long)bytes,
        NumberTextStatus.Malformed => throw new BlockException($"Invalid {what} specified. {SuffixText}"),
        _ => throw new BlockException($"Invalid {what} specified. Must be between 0 and {most}."),
    };

    /// <summary>A whole number from 0 to <paramref name="most"/> by C's rules.</summary>
    /// <param name="what">What the number is, for the error text.</param>
    /// <param name="text">What the user wrote.</param>
    /// <param name="most">The largest number that there can be.</param>
    /// <exception cref="BlockException">It is malformed, or out of range.</exception>
    public static int ReadNumber(string what, string text, int most = int.MaxValue) =>
        NumberText.TryParse(text, out long value) == NumberTextStatus.Ok && value >= 0 && value <= most
            ? (int)value
            : throw new BlockException($"Invalid {what} specified");
}
