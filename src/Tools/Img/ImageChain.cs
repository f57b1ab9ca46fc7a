using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.Tools.Img;

/// <summary>An image and its backing files, opened one after the other, each by itself: one that is broken does not hide those above it.</summary>
internal sealed class ImageChain(ImgCall call, SourceArguments source)
{
    /// <summary>The images are only looked at: no passphrase is needed.</summary>
    public bool IsForInformation { get; init; }

    /// <summary>Opens the image called <paramref name="fileName"/> and, if wanted, each backing file below, and shows each to <paramref name="visit"/>.</summary>
    /// <exception cref="BlockException">One cannot be opened, or the chain leads back to where it has been.</exception>
    public async Task VisitAsync(string fileName, bool followsBacking, Func<BlockBackend, Task> visit)
    {
        HashSet<string> seen = [];
        int count = 0;
        ImageArgument? next = source.ReadOnlyImageOf(fileName) with { OpensBacking = false, IsForInformation = IsForInformation };
        while (next is not null)
        {
            if (count++ == ImageChainLimit.ImageCountMax)
            {
                throw new BlockException(ImageChainLimit.TooDeep(next.Text));
            }

            BlockBackend backend = await next.OpenAsync(call.World, call.Name, call.Warn);
            await using (backend)
            {
                if (!seen.Add(backend.Root!.FileIdentity ?? next.Text))
                {
                    throw new BlockException($"Backing file '{next.Text}' creates an infinite loop.");
                }

                await visit(backend);
                next = followsBacking ? BackingOf(backend.Root!, next) : null;
            }
        }
    }

    private static ImageArgument? BackingOf(BlockNode node, ImageArgument above) => node.FindBackingToFollow() is not { } name
        ? null
        : new ImageArgument(name) { Format = node.Instance.BackingFormat, Mode = above.Mode, OpensBacking = false, IsForInformation = above.IsForInformation };
}
