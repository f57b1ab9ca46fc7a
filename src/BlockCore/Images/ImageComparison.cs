using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Images;

/// <summary>How two images are compared. <i>QEMU: the options of qemu-img compare.</i></summary>
public sealed record ImageComparisonOptions
{
    /// <summary>Whether their lengths and what is allocated in them must agree, too. <i>QEMU: -s.</i></summary>
    public bool IsStrict { get; init; }

    /// <summary>
    /// Whether, with <see cref="IsStrict"/>, everything known of a range must agree: also whether its data lies in a file as it is, which compressed and encrypted data does not, and whether it
    /// reaches the image's end. Otherwise only what is allocated, and what is zeros.
    /// </summary>
    public bool ComparesWholeStatus { get; init; }

    /// <summary>What failures call the first image; null: its file name.</summary>
    public string? FirstName { get; init; }

    /// <summary>What failures call the second image; null: its file name.</summary>
    public string? SecondName { get; init; }
}

/// <summary>How two images differ.</summary>
public enum ImageDifference
{
    /// <summary>They do not.</summary>
    None,

    /// <summary>Their lengths differ, and that counts.</summary>
    Length,

    /// <summary>A range is allocated, or known to be zeros, in one and not in the other, and that counts.</summary>
    Allocation,

    /// <summary>They read differently.</summary>
    Content,
}

/// <summary>What a comparison has found.</summary>
/// <param name="Difference">The first difference.</param>
/// <param name="OffsetBytes">The first sector that differs, or the first byte whose allocation does; 0 where there is none.</param>
/// <param name="LengthsDiffer">One image is longer than the other; equal contents mean then that the rest is zeros.</param>
public readonly record struct ImageComparisonResult(ImageDifference Difference, long OffsetBytes, bool LengthsDiffer)
{
    /// <summary>True where nothing differs that counts.</summary>
    public bool IsEqual => Difference == ImageDifference.None;
}

/// <summary>Compares what two images read as. <i>QEMU: qemu-img compare.</i></summary>
public static class ImageComparison
{
    /// <summary>What the message of a failure begins with where it is not known what an image has; any other is of a read.</summary>
    public const string StatusFailureText = "Sector allocation test failed";

    /// <summary>Compares until the first difference. Of images of different lengths the rest of the longer one must be zeros. Any thread.</summary>
    /// <param name="first">One image. Nobody may write it meanwhile.</param>
    /// <param name="second">The other.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told of every extent, and of a long one now and then, on the first image's context.</param>
    /// <param name="cancel">Ends it between two requests.</param>
    /// <exception cref="BlockException">A request failed; the message names the image's file and the offset.</exception>
    public static Task<ImageComparisonResult> RunAsync(
        BlockBackend first, BlockBackend second, ImageComparisonOptions? options = null, IProgress<ImageProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        return first.Context.RunAsync(() => new ComparisonRun(first, second, options ?? new ImageComparisonOptions(), progress, cancel).RunAsync());
    }
}
