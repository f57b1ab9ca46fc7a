using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Graph;

/// <summary>
/// Opens one tree of nodes from options: finds the driver of each, reads the generic options, opens the children, attaches
/// them. Every failure unwinds fully. <i>QEMU: bdrv_open_inherit().</i>
/// </summary>
internal sealed partial class NodeOpener(NodeGraph graph, CancellationToken cancel)
{
    /// <summary>How deep a tree of children may be; a backing file begins another.</summary>
    private const int DepthMax = 200;

    private static readonly OptionDefinition s_file = new("file", OptionType.Child, "the image's file");
    private readonly List<BlockNode> _opened = [];
    private object? _operation;
    private int _depth;

    /// <summary>A child that the root gets though its options do not name it, without permissions; null for none.</summary>
    public GivenChild? GivenChild { get; init; }

    /// <summary>Nobody will read or write what the nodes hold.</summary>
    public bool IsForInformation { get; init; }

    /// <summary>The root is opened to be checked, and maybe mended.</summary>
    public bool IsForCheck { get; init; }

    /// <summary>What the nodes are opened for, and what they take effect with: a change of the graph, or the opening itself.</summary>
    public object Operation
    {
        get => _operation ?? this;
        init => _operation = value;
    }

    /// <summary>Opens the root; the caller gets a reference to it, and has only to commit: cancelling comes too late then.</summary>
    public async Task<BlockNode> OpenAsync(OptionsDictionary options)
    {
        BlockNode root = await OpenNodeAsync(OptionsTree.Of(options), null, isProtocolLevel: false);
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
        if (GivenChild is { } given && _depth == 1 && given.Name == name)
        {
            if (children.Names(name))
            {
                throw new BlockException($"The {name} child is node '{given.Node.Name}': the options cannot name another");
            }

            return await graph.AttachProvisionallyAsync(parent, given.Node, name, role, cancel);
        }

        return await FindOrOpenChildAsync(new ParentToBe(parent.Driver, parent.Settings, role), name, children) is { } child
            ? await AttachAsync(parent, child, name, role)
            : null;
    }

    /// <summary>Attaches a child and gives its reference to the edge, or back.</summary>
    private async Task<BlockChild> AttachAsync(BlockNode parent, OpenedChild child, string name, ChildRole role)
    {
        try
        {
            graph.Step("attach", name);
            BlockChild edge = await graph.AttachAsync(parent, child.Node, name, role, cancel);
            if (child.IsInline)
            {
                child.Node.InheritsFrom = parent;
            }

            return edge;
        }
        finally
        {
            child.Node.DropReference(new GraphWriteToken(graph));
        }
    }

    private async Task<OpenedChild?> FindOrOpenChildAsync(ParentToBe parent, string name, ChildOptions children)
    {
        if (children.TryTakeOpened(name, out OpenedChild opened))
        {
            return opened;
        }

        OptionsTree? inline = children.Inline(name);
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
                return new OpenedChild(found, false);
            case not null:
                throw new BlockException($"Invalid parameter type for '{name}', expected: string or object");
        }

        if (inline is null)
        {
            return null;
        }

        bool isProtocolLevel = parent.Driver is null || CommonOptions.IsChildProtocol(parent.Driver, parent.Role, graph.Profile);
        return new OpenedChild(await OpenNodeAsync(inline, parent, isProtocolLevel), true);
    }

    private async Task<BlockNode> OpenNodeAsync(OptionsTree options, ParentToBe? parent, bool isProtocolLevel)
    {
        cancel.ThrowIfCancellationRequested();
        if (_depth - _above.Count >= DepthMax)
        {
            throw new BlockException($"The options nest more than {DepthMax} nodes");
        }

        _depth++;
        ChildOptions children = new();
        bool hasLeftovers = true;
        try
        {
            graph.Step("options");
            BlockNode node = await OpenTreeAsync(ExpandPseudoFileName(options), parent, children, isProtocolLevel);
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

    private async Task<BlockNode> OpenTreeAsync(OptionsTree options, ParentToBe? parent, ChildOptions children, bool isProtocolLevel)
    {
        if (!graph.Profile.RefusesWrongDrivers && options.Find("driver")?.Value is not OptionText)
        {
            options.RemoveValue("driver");
        }

        string? fileName = options.GetText("filename");
        BlockDriver? driver = options.GetText("driver") is { } driverName ? graph.Drivers.Get(driverName, graph.Profile.SuggestsNearestOption) : null;
        if (driver is { ProtocolName: { } ownPrefix, Category: not DriverCategory.Protocol } && fileName is not null && DriverRegistry.ProtocolPrefix(fileName) == ownPrefix)
        {
            // The name says more of the node than that of its child.
            (options, fileName) = (Spell(driver, fileName, options), null);
        }

        isProtocolLevel = driver is null ? isProtocolLevel : driver.Category == DriverCategory.Protocol;
        if (isProtocolLevel)
        {
            driver = FindProtocol(driver, fileName, ref options);
        }
        else if (driver is null || driver.Options.TryGet("file", out _))
        {
            MoveFileNameToChild(options, fileName);
        }

        // While the driver is unknown, the image's file is the only child that can be meant.
        TakeChildren(children, options, driver?.Options.Children ?? [s_file]);
        OptionsDictionary effective = Inherited(options, parent);
        OptionsDictionary own = effective.Clone();
        NodeSettings settings = CommonOptions.Read(own);
        bool isProbed = driver is null;
        if (driver is null)
        {
            if (!children.Names("file"))
            {
                throw new BlockException("Must specify either driver or file");
            }

            driver = await ProbeAsync(settings, children, fileName);
            TakeChildren(children, options, driver.Options.Children.Where(c => c.Name != "file"));
            effective = Inherited(options, parent);
            own = effective.Clone();
            CommonOptions.Read(own);
        }

        CommonOptions.RefuseSharedWriting(settings);
        OptionsDictionary explicitOptions = options.Flatten();
        effective["driver"] = driver.Name;
        string? name = own.Take("node-name")?.AsText;
        own.Remove("driver");
        if (!graph.Profile.TellsUnknownOptionsLast)
        {
            RefuseUnknown(driver, own);
        }

        NodeToBe node = new(driver, name, settings, explicitOptions, effective) { FileName = fileName, IsProbed = isProbed };
        return await OpenDriverAsync(node, own, children);
    }

    private static OptionsDictionary Inherited(OptionsTree options, ParentToBe? parent)
    {
        OptionsDictionary inherited = options.Flatten();
        if (parent is not null)
        {
            CommonOptions.Inherit(parent.Settings, parent.Role, inherited);
        }

        return inherited;
    }

    private void TakeChildren(ChildOptions children, OptionsTree options, IEnumerable<OptionDefinition> definitions)
    {
        foreach (OptionDefinition child in definitions.Where(definition => !definition.IsOwnOnly || graph.Profile.TakesOwnChildren))
        {
            children.TakeFrom(options, child);
        }
    }

    private async Task<BlockNode> OpenDriverAsync(NodeToBe description, OptionsDictionary own, ChildOptions children)
    {
        BlockDriver driver = description.Driver;
        if (description.Name is { } name)
        {
            graph.ReserveName(name);
        }

        BlockNode node = new(graph, description.Name ?? graph.GenerateName(), driver, graph.MainContext)
        {
            Settings = description.Settings,
            IsReadOnly = description.Settings.ReadOnly,
            ExplicitOptions = description.ExplicitOptions,
            Options = description.Options,
            FileName = description.FileName,
            IsProbed = description.IsProbed,
        };
        graph.Announce(node);
        node.AddReference();
        try
        {
            graph.Step("open", driver.Name);
            OpenContext context = new(this, node, new OptionReader(own, driver.Options), children) { IsForCheck = IsForCheck && _depth == 1 };
            node.SetInstance(await driver.OpenAsync(context, cancel));
            if (graph.Profile.TellsUnknownOptionsLast)
            {
                RefuseUnknown(driver, own);
            }

            graph.Step("opened", driver.Name);
            node.RefreshLimits();
            node.RefreshLength();
            graph.RefreshPermissions(node);
            graph.Step("register", driver.Name);
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

    private OptionsTree ExpandPseudoFileName(OptionsTree options)
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

        OptionsTree expanded = OptionsTree.Of(graph.PseudoFileNames(fileName));
        options.RemoveValue("filename");
        expanded.Override(options);
        return expanded;
    }

    // The driver by its name or by the file name's prefix; in the latter case the name becomes options that the user has given.
    private BlockDriver FindProtocol(BlockDriver? driver, string? fileName, ref OptionsTree options)
    {
        if (driver is null)
        {
            if (fileName is null)
            {
                throw new BlockException("Must specify either driver or file");
            }

            driver = graph.Drivers.FindProtocol(fileName, graph.Platform);
            options = Spell(driver, fileName, options);
        }

        if (driver.NeedsFileName && string.IsNullOrEmpty(options.GetText("filename")))
        {
            throw new BlockException($"The '{driver.Name}' block driver requires a file name");
        }

        return driver;
    }

    private static OptionsTree Spell(BlockDriver driver, string fileName, OptionsTree options)
    {
        OptionsDictionary spelled = [];
        driver.ParseFileName(fileName, spelled);
        OptionsDictionary all = options.Flatten();
        all.Remove("filename");
        foreach ((string key, OptionValue value) in spelled)
        {
            all[key] = value;
        }

        return OptionsTree.Of(all);
    }

    // A file name given to a format or filter is the name of its file child.
    private static void MoveFileNameToChild(OptionsTree options, string? fileName)
    {
        if (fileName is null)
        {
            return;
        }

        if (options.Find("file") is { } file && (file.Value is not null || file.Find("filename") is not null))
        {
            throw new BlockException("Can't specify 'file' and 'filename' options at the same time");
        }

        options.RemoveValue("filename");
        options.Set(fileName, "file", "filename");
    }

    private void RefuseUnknown(BlockDriver driver, OptionsDictionary options)
    {
        foreach ((string key, OptionValue value) in options)
        {
            if (value is OptionsDictionary && driver.Options.IsGroup(key))
            {
                // An empty group, such as "limits": {}, says nothing.
                continue;
            }

            if (key == "backing" && value is OptionNull)
            {
                // "No backing file" holds of a driver that can have none.
                continue;
            }

            if (driver.Options.TryResolve(key, out OptionDefinition? definition) && definition.Type is not (OptionType.Child or OptionType.ChildList))
            {
                continue;
            }

            string text = driver.Category == DriverCategory.Protocol || driver.ProtocolName is not null
                ? $"Block protocol '{driver.Name}' doesn't support the option '{key}'"
                : $"Block format '{driver.Name}' does not support the option '{key}'";
            string? nearest = graph.Profile.SuggestsNearestOption ? driver.Options.With(CommonOptions.Schema).NearestName(key) : null;
            throw new BlockException(nearest is null ? text : $"{text} (did you mean '{nearest}'?)");
        }
    }

    /// <summary>What a child inherits from a parent that is there, or is about to be: its driver is null while that is unknown.</summary>
    private sealed record ParentToBe(BlockDriver? Driver, NodeSettings Settings, ChildRole Role);

    /// <summary>What is known of a node before it is made.</summary>
    private sealed record NodeToBe(BlockDriver Driver, string? Name, NodeSettings Settings, OptionsDictionary ExplicitOptions, OptionsDictionary Options)
    {
        public string? FileName { get; init; }

        public bool IsProbed { get; init; }
    }
}
