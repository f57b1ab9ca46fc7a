using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Graph;

/// <summary>
/// Opens one tree of nodes from options: finds the driver of each, reads the generic options, opens the children, attaches
/// them. Every failure unwinds fully. <i>QEMU: bdrv_open_inherit().</i>
/// </summary>
internal sealed class NodeOpener(NodeGraph graph, CancellationToken cancel)
{
    /// <summary>How deep a tree of children may be.</summary>
    private const int DepthMax = 200;

    private readonly List<BlockNode> _opened = [];
    private int _depth;

    /// <summary>Opens the root; the caller gets a reference to it, and has only to commit: cancelling comes too late then.</summary>
    public async Task<BlockNode> OpenAsync(OptionsDictionary options)
    {
        BlockNode root = await OpenNodeAsync(options.Flatten(), isProtocolLevel: false);
        if (cancel.IsCancellationRequested)
        {
            root.DropReference(new GraphWriteToken(graph));
            await graph.CloseScheduledAsync();
            cancel.ThrowIfCancellationRequested();
        }

        return root;
    }

    /// <summary>The whole operation has succeeded: what the nodes change outside of themselves takes effect, children first.</summary>
    public void Commit()
    {
        foreach (BlockNode node in _opened)
        {
            node.Instance.CommitOpen();
        }
    }

    /// <summary>Opens or finds the child <paramref name="name"/> of a node that is being opened, and attaches it; null where the options name none.</summary>
    public async Task<BlockChild?> OpenChildAsync(BlockNode parent, string name, ChildRole role, ChildOptions children)
    {
        BlockNode? node = await FindOrOpenChildAsync(parent.Driver, parent.Settings, name, role, children);
        if (node is null)
        {
            return null;
        }

        try
        {
            graph.Step($"attach {name}");
            return graph.Attach(parent, node, name, role, edge => DefaultChildPermissions.For(parent, edge, PermissionSet.Unused));
        }
        finally
        {
            node.DropReference(new GraphWriteToken(graph));
        }
    }

    private async Task<BlockNode?> FindOrOpenChildAsync(BlockDriver? parentDriver, NodeSettings parentSettings, string name, ChildRole role, ChildOptions children)
    {
        if (children.TakeOpened(name) is { } opened)
        {
            return opened;
        }

        OptionsDictionary? inline = children.Dictionary(name);
        switch (children.Reference(name))
        {
            case OptionNull:
                return null;
            case { } reference when reference.AsText is { } text:
                if (inline is not null)
                {
                    throw new BlockException("Cannot reference an existing block device with additional options or a new filename");
                }

                BlockNode found = graph.LookUp(text);
                found.AddReference();
                return found;
            case not null:
                throw new BlockException($"Invalid parameter type for '{name}', expected: string or object");
        }

        if (inline is null)
        {
            return null;
        }

        OptionsDictionary options = inline.Clone();
        CommonOptions.Inherit(parentSettings, role, options);
        return await OpenNodeAsync(options, parentDriver is null || CommonOptions.IsChildProtocol(parentDriver, role, graph.Profile));
    }

    private async Task<BlockNode> OpenNodeAsync(OptionsDictionary options, bool isProtocolLevel)
    {
        cancel.ThrowIfCancellationRequested();
        if (_depth >= DepthMax)
        {
            throw new BlockException($"The options nest more than {DepthMax} nodes");
        }

        _depth++;
        ChildOptions children = new();
        bool hasLeftovers = true;
        try
        {
            graph.Step("options");
            BlockNode node = await OpenFlatAsync(ExpandPseudoFileName(options), children, isProtocolLevel);
            hasLeftovers = children.OpenedAndUnused.Any();
            return node;
        }
        finally
        {
            _depth--;
            foreach (BlockNode unused in children.OpenedAndUnused)
            {
                unused.DropReference(new GraphWriteToken(graph));
            }

            if (hasLeftovers)
            {
                await graph.CloseScheduledAsync();
            }
        }
    }

    private async Task<BlockNode> OpenFlatAsync(OptionsDictionary options, ChildOptions children, bool isProtocolLevel)
    {
        OptionsDictionary explicitOptions = options.Clone();
        string? fileName = options.GetText("filename");
        BlockDriver? driver = options.GetText("driver") is { } driverName ? graph.Drivers.Get(driverName, graph.Profile.SuggestsNearestOption) : null;
        isProtocolLevel = driver is null ? isProtocolLevel : driver.Category == DriverCategory.Protocol;
        if (isProtocolLevel)
        {
            driver = FindProtocol(driver, fileName, options);
        }
        else
        {
            MoveFileNameToChild(options, fileName);
            foreach (OptionDefinition child in ChildDefinitions(driver))
            {
                children.TakeFrom(options, child.Name);
            }
        }

        NodeSettings settings = CommonOptions.Read(options);
        options.Remove("driver");
        bool isProbed = driver is null;
        if (driver is null)
        {
            if (!children.Names("file"))
            {
                throw new BlockException("Must specify either driver or file");
            }

            driver = await ProbeAsync(settings, children, fileName);
        }

        string? name = options.Take("node-name")?.AsText;
        RefuseUnknown(driver, options);
        return await OpenDriverAsync(driver, name, settings, options, children, explicitOptions, fileName, isProbed);
    }

    private async Task<BlockNode> OpenDriverAsync(
        BlockDriver driver, string? name, NodeSettings settings, OptionsDictionary options, ChildOptions children, OptionsDictionary explicitOptions, string? fileName, bool isProbed)
    {
        if (name is not null)
        {
            graph.ReserveName(name);
        }

        BlockNode node = new(graph, name ?? graph.GenerateName(), driver, graph.MainContext)
        {
            Settings = settings,
            IsReadOnly = settings.ReadOnly,
            ExplicitOptions = explicitOptions,
            FileName = fileName,
            IsProbed = isProbed,
        };
        node.AddReference();
        try
        {
            graph.Step($"open {driver.Name}");
            OpenContext context = new(this, node, new OptionReader(options, driver.Options), children);
            node.SetInstance(await driver.OpenAsync(context, cancel));
            graph.Step($"opened {driver.Name}");
            node.RefreshLimits();
            node.RefreshLength();
            NodeGraph.RefreshPermissions(node);
            graph.Step($"register {driver.Name}");
            graph.Register(new GraphWriteToken(graph), node);
            _opened.Add(node);
            return node;
        }
        catch
        {
            // At the last reference the graph closes the instance, if there is one, detaches the children and frees the name.
            node.DropReference(new GraphWriteToken(graph));
            throw;
        }
    }

    private OptionsDictionary ExpandPseudoFileName(OptionsDictionary options)
    {
        string? fileName = options.GetText("filename");
        if (fileName is null || !fileName.StartsWith("json:", StringComparison.Ordinal))
        {
            return options;
        }

        if (graph.PseudoFileNames is null)
        {
            throw new BlockException(BlockErrorKind.NotSupported, "Could not parse the JSON options: this graph has no JSON parser");
        }

        OptionsDictionary expanded = graph.PseudoFileNames(fileName).Flatten();
        options.Remove("filename");
        foreach ((string key, OptionValue value) in options)
        {
            expanded[key] = value;
        }

        return expanded;
    }

    private BlockDriver FindProtocol(BlockDriver? driver, string? fileName, OptionsDictionary options)
    {
        if (driver is null)
        {
            if (fileName is null)
            {
                throw new BlockException("Must specify either driver or file");
            }

            driver = graph.Drivers.FindProtocol(fileName);
            options.Remove("filename");
            driver.ParseFileName(fileName, options);
        }

        if (driver.NeedsFileName && !options.ContainsKey("filename"))
        {
            throw new BlockException($"The '{driver.Name}' block driver requires a file name");
        }

        return driver;
    }

    // A file name given to a format or filter is the name of its file child.
    private static void MoveFileNameToChild(OptionsDictionary options, string? fileName)
    {
        if (fileName is null)
        {
            return;
        }

        if (options.ContainsKey("file") || options.ContainsKey("file.filename"))
        {
            throw new BlockException("Can't specify 'file' and 'filename' options at the same time");
        }

        options.Remove("filename");
        options["file.filename"] = fileName;
    }

    // While the driver is unknown, the image's file is the only child that can be meant.
    private static IEnumerable<OptionDefinition> ChildDefinitions(BlockDriver? driver) =>
        driver is null
            ? [new OptionDefinition("file", OptionType.Child, "")]
            : driver.Options.Definitions.Where(d => d.Type == OptionType.Child);

    private async Task<BlockDriver> ProbeAsync(NodeSettings settings, ChildOptions children, string? fileName)
    {
        BlockNode file = await FindOrOpenChildAsync(null, settings, "file", ChildRole.Image, children)
            ?? throw new BlockException("Must specify either driver or file");
        children.SetOpened("file", file);
        graph.Step("probe");
        byte[] head = new byte[(int)Math.Min(DriverRegistry.ProbeBytes, file.LengthBytes)];
        try
        {
            await ReadHeadAsync(file, head);
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Could not read image for determining its format: ");
        }

        string? shownName = fileName ?? file.FileName;
        BlockDriver driver = graph.Drivers.ProbeFormat(head, shownName);
        if (driver.Probe(head) < BlockDriver.ProbeScoreSignature && !settings.ReadOnly && shownName is not null)
        {
            graph.Events.Publish(new BlockWarning(
                $"Image format was not specified for '{shownName}' and probing guessed {driver.Name}: writes that would make its first sector look like another format are refused. Specify the format to lift this."));
        }

        return driver;
    }

    private async Task ReadHeadAsync(BlockNode file, byte[] head)
    {
        if (head.Length == 0)
        {
            return;
        }

        BlockChild edge = graph.Attach(new ProbeReader(), file, "root", ChildRole.Filtered | ChildRole.Primary, _ => PermissionSet.Unused);
        try
        {
            await edge.ReadAsync(0, head, Io.RequestFlags.None, cancel);
        }
        finally
        {
            graph.Detach(edge);
        }
    }

    private void RefuseUnknown(BlockDriver driver, OptionsDictionary options)
    {
        foreach (string key in options.Keys)
        {
            if (driver.Options.TryGet(key, out _))
            {
                continue;
            }

            string text = driver.Category == DriverCategory.Protocol
                ? $"Block protocol '{driver.Name}' doesn't support the option '{key}'"
                : $"Block format '{driver.Name}' does not support the option '{key}'";
            string? nearest = graph.Profile.SuggestsNearestOption ? driver.Options.With(CommonOptions.Schema).NearestName(key) : null;
            throw new BlockException(nearest is null ? text : $"{text} (did you mean '{nearest}'?)");
        }
    }

    /// <summary>Reads an image's head while nobody else uses it yet: needs nothing and shares everything.</summary>
    private sealed class ProbeReader : IChildParent
    {
        public string Description => "the format probe";

        public BlockNode? AsNode => null;
    }
}
