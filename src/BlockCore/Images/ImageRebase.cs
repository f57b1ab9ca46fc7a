using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Images;

/// <summary>Gives an overlay another backing file; it reads as before. <i>QEMU: qemu-img rebase.</i></summary>
public static class ImageRebase
{
    private const int PieceBytes = 256 << 10;

    /// <summary>Where the backing file called <paramref name="backing"/> is: its name counts from the overlay's folder.</summary>
    public static string ResolveBacking(BlockBackend top, string backing)
    {
        ArgumentNullException.ThrowIfNull(top);
        return NodeFileName.Resolve(BackingChain.SkipFilters(top.Root ?? throw top.NoMedium()), backing);
    }

    /// <summary>
    /// Copies into the overlay what only the old backing node has: afterwards the overlay reads the same over <paramref name="newBacking"/>. Any thread.
    /// </summary>
    /// <param name="top">The overlay.</param>
    /// <param name="newBacking">What is to be its backing image; null for none.</param>
    /// <param name="progress">Told of every piece.</param>
    /// <param name="cancel">Ends it between two requests. What was copied by then does not change what the overlay reads as.</param>
    /// <exception cref="BlockException">A request failed; the message names the offset.</exception>
    public static Task CopyDifferenceAsync(BlockBackend top, BlockBackend? newBacking, IProgress<ImageProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(top);
        return top.Graph.MainContext.RunAsync(() => CopyAsync(top, newBacking, progress, cancel));
    }

    /// <summary>Writes the name and format of the backing file into the overlay's header. The graph stays as it is: who opens the image next sees it. Any thread.</summary>
    /// <exception cref="BlockException">The format has no backing files, or the header could not be written.</exception>
    public static Task ChangeHeaderAsync(BlockBackend top, string? fileName, string? format, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(top);
        return top.Graph.MainContext.RunAsync(async () =>
        {
            BlockNode root = BackingChain.SkipFilters(top.Root ?? throw top.NoMedium());
            if (!root.Driver.SupportsBacking)
            {
                throw new BlockException(BlockErrorKind.NotSupported, BlockErrorKind.NotSupported.ToErrnoText());
            }

            cancel.ThrowIfCancellationRequested();
            await using DrainScope quiet = await top.DrainAsync();
            await root.Context.RunAsync(() => root.Instance.ChangeBackingFileAsync(fileName, format));
        });
    }

    // In whatever format: such an image could not be opened again.
    private static void RefuseLoop(BlockNode root, BlockBackend? newBacking)
    {
        string? identity = root.Driver.SupportsBacking ? NodeFileName.IdentityOf(root) : null;
        for (BlockNode? image = newBacking?.Root; image is not null && identity is not null; image = BackingChain.Next(image))
        {
            if (NodeFileName.IdentityOf(BackingChain.SkipFilters(image)) == identity)
            {
                throw new BlockException($"Backing file '{NodeFileName.ToTell(image)}' creates an infinite loop.");
            }
        }
    }

    private static async Task CopyAsync(BlockBackend top, BlockBackend? newBacking, IProgress<ImageProgress>? progress, CancellationToken cancel)
    {
        BlockNode root = BackingChain.SkipFilters(top.Root ?? throw top.NoMedium());
        BlockNode? oldNode = BackingChain.Next(root);
        RefuseLoop(root, newBacking);
        if (oldNode is null && newBacking is null)
        {
            progress?.Report(new ImageProgress(top.LengthBytes, top.LengthBytes));
            return;
        }

        await using BlockBackend? oldBacking = oldNode is null ? null : await top.Graph.AttachBackendAsync(oldNode, new BackendOptions { ReadOnly = true, ShareWrite = true });
        await new RebaseRun(top, oldNode, oldBacking, newBacking, progress, cancel).RunAsync(PieceBytes);
    }
}
