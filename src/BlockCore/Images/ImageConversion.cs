using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Images;

/// <summary>Copies an image, or several one after the other, into another: what is data as data, what is a hole as a hole. <i>QEMU: qemu-img convert.</i></summary>
public static class ImageConversion
{
    /// <summary>Converts. When it returns, however it does, no request of it is under way; nothing was flushed. Any thread.</summary>
    /// <param name="sources">What to read. Nobody may write it meanwhile.</param>
    /// <param name="target">What to write. What it has behind the sources' end stays.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told of every extent, and of a long one now and then, on the target's context.</param>
    /// <param name="cancel">Ends it between two requests.</param>
    /// <exception cref="BlockException">The options contradict one another, the target is too short, or a request failed: the message names the offset.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. What was written by then is there.</exception>
    public static Task<ImageConversionResult> RunAsync(
        IReadOnlyList<BlockBackend> sources, BlockBackend target, ImageConversionOptions? options = null, IProgress<ImageProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfZero(sources.Count, nameof(sources));
        options ??= new ImageConversionOptions();
        ConversionPlan.Check(sources, target, options);
        return target.Context.RunAsync(() => new ConversionRun(sources, target, new ConversionPlan(sources, target, options), progress, cancel).RunAsync());
    }

    /// <summary>Whether <see cref="ImageConversionOptions.MoreContexts"/> are of use: requests of one side, or of both, can be carried out there. Main context.</summary>
    public static bool GainsFromContexts(IReadOnlyList<BlockBackend> sources, BlockBackend target)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentNullException.ThrowIfNull(target);
        return ConversionPlan.GainsFromContexts(sources, target);
    }
}
