using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Graph;

/// <content>What images may name: each file once on the way down, not too many of them, and only what the profile lets them.</content>
internal sealed partial class NodeOpener
{
    /// <summary>The images on the way down to the one that is being opened.</summary>
    private readonly List<ImageAbove> _above = [];

    // The refusal is about the chain as a whole: it is said once, not once for each image of it.
    private bool _isChainRefused;
    private bool _isChainRefusalTold;

    private void PassGate(BlockNode image, string slot, string name, string fullName, string? driverName)
    {
        try
        {
            BlockDriver? driver = graph.Drivers.All.FirstOrDefault(known => known.Name == driverName);
            graph.Profile.ImplicitOpenGate.Pass(new ImplicitOpen(NodeFileName.ToTell(image), slot, name, fullName, driver));
        }
        catch (BlockException)
        {
            _isChainRefused = true;
            throw;
        }
    }

    private async Task<BlockNode> OpenBelowAsync(BlockNode overlay, OptionsTree options)
    {
        string? name = options.GetText("filename");
        ImageAbove above = new(overlay, NodeFileName.IdentityOf(overlay));
        if (_above.Exists(other => other.HasFile(above.Identity)))
        {
            throw Refused(overlay, $"Backing file '{NodeFileName.ToTell(overlay)}' creates an infinite loop.");
        }

        if (_above.Count + 2 > ImageChainLimit.ImageCountMax)
        {
            throw Refused(overlay, ImageChainLimit.TooDeep(name ?? "the next one"));
        }

        _above.Add(above);
        try
        {
            if (name is not null)
            {
                RefuseFileOfChain(overlay, "backing", name);
            }

            return await OpenNodeAsync(options, new ParentToBe(overlay.Driver, overlay.Settings, ChildRole.Cow), isProtocolLevel: false);
        }
        finally
        {
            _above.RemoveAt(_above.Count - 1);
        }
    }

    /// <summary>Refuses a name of a file that belongs to <paramref name="image"/> already, or to an image above it. Links are no way around.</summary>
    private void RefuseFileOfChain(BlockNode image, string slot, string name)
    {
        if (NodeFileName.IdentityOf(graph, name) is not { } identity)
        {
            return;
        }

        ImageAbove own = _above.Find(above => above.Node == image) ?? new ImageAbove(image, NodeFileName.IdentityOf(image));
        ImageAbove? owner = own.HasFile(identity) ? own : _above.Find(above => above.HasFile(identity));
        if (owner is null)
        {
            return;
        }

        if (slot == "backing" && owner.Identity == identity)
        {
            throw Refused(image, $"Backing file '{name}' creates an infinite loop.");
        }

        string use = owner.Identity == identity ? "file" : "data file";
        string whose = owner.Node == image ? $"its {use}" : $"the {use} of '{NodeFileName.ToTell(owner.Node)}', which lies over it";
        throw Refused(image, $"{ImplicitOpenGate.Words(slot)} '{name}' is {whose}");
    }

    private BlockException Refused(BlockNode image, string reason)
    {
        _isChainRefused = true;
        return new BlockException($"Image '{NodeFileName.ToTell(image)}': {reason}");
    }

    /// <summary>An image that is being opened, and what tells its file from every other; null where nothing does.</summary>
    private sealed record ImageAbove(BlockNode Node, string? Identity)
    {
        // The children that hold data beside the image itself.
        public bool HasFile(string? identity) => identity is not null
            && (Identity == identity || Node.Children.Any(child => child != Node.PrimaryChild && (child.Role & ChildRole.Cow) == 0 && NodeFileName.IdentityOf(child.Node) == identity));
    }
}
