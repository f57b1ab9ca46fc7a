using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Graph;

/// <summary>
/// The name that a node can be opened by again: a plain file name where that says everything, else a <c>json:</c> name with every option that
/// changes what a user sees. Made on demand. <i>QEMU: bdrv_refresh_filename().</i>
/// </summary>
internal static class NodeFileName
{
    /// <summary>The node's name; empty where the graph has no way to write a <c>json:</c> name.</summary>
    public static string Of(BlockNode node) =>
        ExactOf(node) ?? node.Graph.PseudoFileNameWriter?.Invoke(FullOptionsOf(node)) ?? string.Empty;

    /// <summary>The node's name if its backing file had not been left out: whoever looks at an image alone, without reading it, has the same image all the same.</summary>
    public static string OfWithBacking(BlockNode node)
    {
        if (node.CowChild is not null)
        {
            return Of(node);
        }

        OptionsDictionary full = FullOptionsOf(node);
        full.Remove("backing");
        return ExactOf(node, isBackingLeftOut: true) ?? node.Graph.PseudoFileNameWriter?.Invoke(full) ?? string.Empty;
    }

    /// <summary>The plain file name that says everything there is to say, or null.</summary>
    public static string? ExactOf(BlockNode node) => ExactOf(node, isBackingLeftOut: false);

    /// <summary>Driver, strong options, and those of the children.</summary>
    public static OptionsDictionary FullOptionsOf(BlockNode node)
    {
        OptionsDictionary full = new() { { "driver", node.Driver.Name } };
        foreach ((string key, OptionValue value) in StrongOptionsOf(node))
        {
            full[key] = value;
        }

        foreach (BlockChild child in node.Children)
        {
            if ((child.Role & ChildRole.Cow) == 0 || IsBackingOverridden(node))
            {
                AddChild(full, node, child);
            }
        }

        if (node.CowChild is null && node.HasInstance && node.Instance.BackingFileName is not null)
        {
            full["backing"] = OptionNull.Instance;
        }

        return full;
    }

    /// <summary>A name found in the header of <paramref name="overlay"/> as seen from here: a relative one lies beside the overlay's own file.</summary>
    /// <exception cref="BlockException">It is relative, and the overlay's directory is not known.</exception>
    public static string Resolve(BlockNode overlay, string name) => IsAbsolute(name) ? name : InDirectory(DirectoryOf(overlay), name);

    /// <summary>The same for an overlay that is not there yet: it will be called <paramref name="overlayName"/>.</summary>
    public static string Resolve(string overlayName, string name) => IsAbsolute(name) ? name : InDirectory(DirectoryOf(overlayName), name);

    /// <summary>What tells the image of <paramref name="node"/> from every other; null where nothing does.</summary>
    public static string? IdentityOf(BlockNode node) => ExactOf(node, isBackingLeftOut: true) is { } name ? IdentityOf(node.Graph, name) : null;

    /// <summary>What tells the image called <paramref name="fileName"/> from every other, whatever links lead to it.</summary>
    public static string? IdentityOf(NodeGraph graph, string fileName) => DriverRegistry.ProtocolPrefix(fileName) switch
    {
        // No file is called so.
        _ when fileName.Length == 0 || fileName.Contains('\0', StringComparison.Ordinal) => null,
        null => graph.Platform.IdentifyFile(fileName),
        "file" or "host_device" when !fileName.EndsWith(':') => graph.Platform.IdentifyFile(fileName[(fileName.IndexOf(':', StringComparison.Ordinal) + 1)..]),
        _ => fileName,
    };

    /// <summary>The node's image as a message names it; the node's own name where nothing else is known.</summary>
    public static string ToTell(BlockNode node) => OfWithBacking(node) is { Length: > 0 } name ? name : node.Name;

    // The directory of the file that the overlay is mainly about.
    private static string DirectoryOf(BlockNode overlay)
    {
        BlockNode node = overlay;
        while (node.PrimaryChild is { } primary)
        {
            node = primary.Node;
        }

        if (node.Driver.GetExactFileName(node) is not { } name)
        {
            throw new BlockException($"Cannot generate a base directory for {node.Driver.Name} nodes");
        }

        return DirectoryOf(name);
    }

    private static bool IsAbsolute(string name) => name.Length == 0 || Path.IsPathRooted(name) || DriverRegistry.ProtocolPrefix(name) is not null;

    private static string InDirectory(string directory, string name) => directory.Length == 0 ? name : directory[^1] is ':' or '/' ? directory + name : Path.Combine(directory, name);

    private static string DirectoryOf(string name)
    {
        if (DriverRegistry.ProtocolPrefix(name) is { } prefix)
        {
            int slash = name.LastIndexOf('/');
            return slash < 0 ? prefix + ":" : name[..(slash + 1)];
        }

        return Path.GetDirectoryName(name) ?? string.Empty;
    }

    private static string? ExactOf(BlockNode node, bool isBackingLeftOut)
    {
        if (node.Driver.GetExactFileName(node) is { } own)
        {
            return own;
        }

        bool isFilter = node.Driver.Category == DriverCategory.Filter;
        if (isFilter || node.PrimaryChild is not { } primary || (primary.Node.Driver.Category != DriverCategory.Protocol && primary.Node.Driver.GetExactFileName(primary.Node) is null))
        {
            return null;
        }

        return HasStrongOption(node) || (!isBackingLeftOut && IsBackingOverridden(node)) ? null : ExactOf(primary.Node);
    }

    private static bool HasStrongOption(BlockNode node) => StrongOptionsOf(node).Any(o => o.Key != "filename");

    // In the order in which the driver declares them; an element of a list counts as the list does.
    private static IEnumerable<KeyValuePair<string, OptionValue>> StrongOptionsOf(BlockNode node) =>
        (node.HasInstance ? node.Instance.GetStrongOptions() : null) ?? node.Driver.Options.Definitions.Where(d => d.IsStrong).SelectMany(d => node.Options.Where(o =>
            o.Key == d.Name || (d.Type == OptionType.List && o.Key.StartsWith(d.Name + ".", StringComparison.Ordinal))));

    // Those of a list stand in order, whatever indices their names have by now.
    private static void AddChild(OptionsDictionary full, BlockNode node, BlockChild child)
    {
        OptionDefinition? list = node.Driver.Options.Children.FirstOrDefault(d => d.Type == OptionType.ChildList && child.Name.StartsWith(d.Name + ".", StringComparison.Ordinal));
        if (list is null)
        {
            full[child.Name] = FullOptionsOf(child.Node);
            return;
        }

        full.SetDefault(list.Name, new OptionsList());
        ((OptionsList)full[list.Name]).Add(FullOptionsOf(child.Node));
    }

    private static bool IsBackingOverridden(BlockNode node)
    {
        if (!node.HasInstance || (node.Instance.BackingFileName is null && node.CowChild is null))
        {
            return false;
        }

        return node.CowChild is not { } backing || Of(backing.Node) != node.AutomaticBackingName;
    }
}
