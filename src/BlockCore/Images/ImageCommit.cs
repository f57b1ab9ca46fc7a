using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Images;

/// <summary>How an overlay is committed. <i>QEMU: the options of qemu-img commit.</i></summary>
public sealed record ImageCommitOptions
{
    /// <summary>Whether the overlay keeps what it has. Otherwise it is emptied, where it lies directly over the base and its driver can.</summary>
    public bool KeepsTop { get; init; }

    /// <summary>How fast data is written, in bytes per second; 0 for no limit.</summary>
    public long RateBytesPerSecond { get; init; }

    /// <summary>
    /// Contexts beside the overlay's that may copy, as of a conversion. Where neither image can be used on another context than its own, the overlay and what lies between move to the first
    /// of them meanwhile, if they can.
    /// </summary>
    public IReadOnlyList<AioContext> MoreContexts { get; init; } = [];
}

/// <summary>Writes what an overlay has, and everything between, into a node below. <i>QEMU: qemu-img commit.</i></summary>
/// <remarks>
/// Nobody may write a node that somebody's backing node is; so the base is taken out of the chain for that time, and comes back whatever happens:
/// <code>
///   top -> middle -> base        top -> middle   base &lt;- writer        top -> middle -> base
/// </code>
/// Whatever of it is interrupted, the chain reads as before: a range that is in the base already is still in the overlay, too.
/// </remarks>
public static class ImageCommit
{
    /// <summary>Commits. Nobody else may use the chain meanwhile. Any thread.</summary>
    /// <param name="top">The overlay.</param>
    /// <param name="baseNode">Where to; null for the overlay's backing node.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told of every extent.</param>
    /// <param name="cancel">Ends it between two requests.</param>
    /// <exception cref="BlockException">There is no backing node, the base is not in the chain or cannot be written, or a request failed.</exception>
    public static Task RunAsync(
        BlockBackend top, BlockNode? baseNode = null, ImageCommitOptions? options = null, IProgress<ImageProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(top);
        return top.Graph.MainContext.RunAsync(() => CommitAsync(top, baseNode, options ?? new ImageCommitOptions(), progress, cancel));
    }

    private static async Task CommitAsync(BlockBackend top, BlockNode? baseNode, ImageCommitOptions options, IProgress<ImageProgress>? progress, CancellationToken cancel)
    {
        BlockNode root = BackingChain.SkipFilters(top.Root ?? throw top.NoMedium());
        BlockNode backing = BackingChain.Next(root) ?? throw new BlockException(BlockErrorKind.NotSupported, "Image does not have a backing file");
        BlockNode target = baseNode is null ? backing : BackingChain.SkipFilters(baseNode);
        BlockNode overlay = BackingChain.FindOverlay(root, target) ?? throw new BlockException(BlockErrorKind.NotFound, $"Node '{target.Name}' is not in the chain of '{root.Name}'");
        BlockNode link = overlay.CowChild!.Node;
        link.AddReference();
        try
        {
            bool wasReadOnly = target.IsReadOnly;
            await top.Graph.ApplyAsync([GraphEdit.SetBacking(overlay, null)], cancel);
            try
            {
                await WriteAsync(top, target, wasReadOnly, options, progress, cancel);
            }
            finally
            {
                await top.Graph.ApplyAsync([GraphEdit.SetBacking(overlay, link)], CancellationToken.None);
            }
        }
        finally
        {
            link.DropReference(new GraphWriteToken(top.Graph));
        }

        if (!options.KeepsTop && ReferenceEquals(overlay, root))
        {
            await EmptyAsync(top, root, cancel);
        }
    }

    private static async Task WriteAsync(BlockBackend top, BlockNode target, bool wasReadOnly, ImageCommitOptions options, IProgress<ImageProgress>? progress, CancellationToken cancel)
    {
        await ReopenAsync(target, isReadOnly: false, wasReadOnly, cancel);
        try
        {
            await using BlockBackend writer = await top.Graph.AttachBackendAsync(target, new BackendOptions { CanResize = true });
            if (writer.LengthBytes < top.LengthBytes)
            {
                await writer.TruncateAsync(top.LengthBytes, cancel: cancel);
            }

            ImageConversionOptions conversion = new() { TakesAllocatedOnly = true, RateBytesPerSecond = options.RateBytesPerSecond, MoreContexts = options.MoreContexts };
            AioContext home = top.Context;
            bool isAway = conversion.MoreContexts.Count > 0 && !ImageConversion.GainsFromContexts([top], writer) && await TryMoveAsync(top, conversion.MoreContexts[0]);
            try
            {
                await ImageConversion.RunAsync([top], writer, conversion, progress, cancel);
            }
            finally
            {
                if (isAway)
                {
                    await top.MoveAsync(home);
                }
            }

            await writer.FlushAsync(cancel);
        }
        finally
        {
            await ReopenAsync(target, isReadOnly: true, wasReadOnly, CancellationToken.None);
        }
    }

    // What is connected to something that cannot follow stays where it is.
    private static async Task<bool> TryMoveAsync(BlockBackend top, AioContext context)
    {
        try
        {
            await top.MoveAsync(context);
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }

    private static Task ReopenAsync(BlockNode node, bool isReadOnly, bool wasReadOnly, CancellationToken cancel) =>
        wasReadOnly ? node.Graph.ApplyAsync([GraphEdit.Reopen(node, new OptionsDictionary { { "read-only", isReadOnly ? "on" : "off" } })], cancel) : Task.CompletedTask;

    private static async Task EmptyAsync(BlockBackend top, BlockNode root, CancellationToken cancel)
    {
        await using DrainScope quiet = await top.DrainAsync();
        if (!await root.Context.RunAsync(() => root.Instance.TryMakeEmptyAsync(cancel)))
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Could not empty '{root.ShownFileName}': its driver cannot; what it had is in the base all the same");
        }
    }
}
