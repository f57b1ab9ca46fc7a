using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Graph;

/// <content>The backing child: named by the options, or by the image's own header.</content>
internal sealed partial class NodeOpener
{
    /// <summary>
    /// Opens the backing child of a node that is being opened; null where there is none, or the options say that there shall be none.
    /// What the options say of it goes over what the header says.
    /// </summary>
    /// <param name="parent">The overlay.</param>
    /// <param name="children">What the options say.</param>
    /// <param name="headerName">The name in the overlay's header, or null.</param>
    /// <param name="headerFormat">The format in the header, or null.</param>
    public async Task<BlockChild?> OpenBackingAsync(BlockNode parent, ChildOptions children, string? headerName, string? headerFormat)
    {
        const string slot = "backing";
        if (children.Reference(slot) is { AsText: "" })
        {
            graph.Events.Publish(new BlockWarning("Use of \"backing\": \"\" is deprecated; use \"backing\": null instead"));
            return null;
        }

        if (GivenChild is not null || children.Reference(slot) is not null)
        {
            return await OpenChildAsync(parent, slot, ChildRole.Cow, children);
        }

        headerName = string.IsNullOrEmpty(headerName) ? null : headerName;
        OptionsTree options = children.Inline(slot) ?? new OptionsTree();
        bool namesFile = options.Find("filename") is not null || options.Find("file") is { } file && (file.Value is not null || file.Find("filename") is not null);
        if (!namesFile && headerName is not null)
        {
            options.Set(NodeFileName.Resolve(parent, headerName), "filename");
            if (headerFormat is not null && options.Find("driver") is null)
            {
                options.Set(headerFormat, "driver");
            }
        }

        if (options.IsEmpty)
        {
            return null;
        }

        try
        {
            if (!namesFile && headerName is not null)
            {
                PassGate(parent, slot, headerName, options.GetText("filename")!, headerFormat);
            }

            BlockNode backing = await OpenBelowAsync(parent, options);
            if (!children.Names(slot))
            {
                parent.AutomaticBackingName = NodeFileName.Of(backing);
            }

            return await AttachAsync(parent, new OpenedChild(backing, true), slot, ChildRole.Cow);
        }
        catch (BlockException error) when (!_isChainRefusalTold)
        {
            _isChainRefusalTold = _isChainRefused;
            throw error.Prefixed("Could not open backing file: ");
        }
    }

    /// <summary>Opens what would be the backing image of an open image if its header had this name and format. It is nobody's child: the caller gets the reference.</summary>
    public Task<BlockNode> OpenNamedBackingAsync(BlockNode overlay, string headerName, string headerFormat)
    {
        OptionsTree options = new();
        string fullName = NodeFileName.Resolve(overlay, headerName);
        options.Set(fullName, "filename");
        options.Set(headerFormat, "driver");
        PassGate(overlay, "backing", headerName, fullName, headerFormat);
        return OpenBelowAsync(overlay, options);
    }

    /// <summary>
    /// Opens a child that holds data of a node that is being opened: as the options say or, where they are silent, the file that the image names; null where neither
    /// names one. That name is a file's, whatever it looks like: no protocol, and no options.
    /// </summary>
    /// <param name="parent">The image.</param>
    /// <param name="slot">The option, and the edge.</param>
    /// <param name="role">What the child is to the image.</param>
    /// <param name="children">What the options say.</param>
    /// <param name="headerName">The name in the image, or null.</param>
    public async Task<BlockChild?> OpenNamedAsync(BlockNode parent, string slot, ChildRole role, ChildOptions children, string? headerName)
    {
        if (GivenChild is not null || children.Names(slot) || headerName is null)
        {
            return await OpenChildAsync(parent, slot, role, children);
        }

        const string driver = "file";
        string plainName = DriverRegistry.ProtocolPrefix(headerName) is null ? headerName : $"{driver}:{headerName}";
        PassGate(parent, slot, plainName, plainName, driver);
        RefuseFileOfChain(parent, slot, plainName);
        OptionsTree options = new();
        options.Set(driver, "driver");
        options.Set(headerName, "filename");
        BlockNode node = await OpenNodeAsync(options, new ParentToBe(parent.Driver, parent.Settings, role), isProtocolLevel: true);
        return await AttachAsync(parent, new OpenedChild(node, true), slot, role);
    }
}
