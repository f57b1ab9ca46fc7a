using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Tools.Img;

/// <summary>Sets the option <c>aio</c> of every file of the host that options name, however deep, where they do not set it themselves. <i>QEMU: the flags BDRV_O_NATIVE_AIO and BDRV_O_IO_URING, which children inherit.</i></summary>
internal static class EngineOption
{
    private const string Key = "aio";
    private const string FileChild = "file";

    /// <summary>Sets the engine in <paramref name="options"/>, which are flat.</summary>
    public static void SetDefault(OptionsDictionary options, string engine, NodeGraph graph)
    {
        ExpandPseudoFileName(options);
        Visit(options, string.Empty, null, isProtocolLevel: false, engine, graph);
    }

    // A file name that was given to the node's parent names the node.
    private static void Visit(OptionsDictionary options, string prefix, string? parentsFileName, bool isProtocolLevel, string engine, NodeGraph graph)
    {
        string? fileName = parentsFileName ?? options.GetText(prefix + "filename");
        string? driverName = options.GetText(prefix + "driver");
        BlockDriver? driver = graph.Drivers.All.FirstOrDefault(known => known.Name == driverName);
        if (driverName is not null && driver is null)
        {
            // Opening tells it.
            return;
        }

        if (driver?.Category == DriverCategory.Protocol || (driver is null && isProtocolLevel))
        {
            SetOn(driver ?? ProtocolOf(fileName, graph), options, prefix, engine);
            return;
        }

        // Before the format is known, the image's file is the only child that options can mean.
        string[] children = driver is null ? [FileChild] : [.. driver.Options.Children.SelectMany(child => NamesOf(child, options, prefix))];
        foreach (string child in children)
        {
            string? childsFileName = child == FileChild ? fileName : null;
            string childPrefix = $"{prefix}{child}.";
            if (childsFileName is not null || options.Keys.Any(key => key.StartsWith(childPrefix, StringComparison.Ordinal)))
            {
                Visit(options, childPrefix, childsFileName, IsProtocolLevel(driver, graph.Profile), engine, graph);
            }
        }
    }

    // A format's file is storage; what a filter stands over, or a composite joins, is looked into for its format.
    private static bool IsProtocolLevel(BlockDriver? parent, CompatibilityProfile profile) =>
        parent is null || parent.Category == DriverCategory.Format || parent.ProtocolName is not null
        || (parent.Category == DriverCategory.Filter && !profile.ProbesFilterChild);

    private static string[] NamesOf(OptionDefinition child, OptionsDictionary options, string prefix)
    {
        if (child.Type == OptionType.Child)
        {
            return [child.Name];
        }

        string list = $"{prefix}{child.Name}.";
        return options.Keys
            .Where(key => key.StartsWith(list, StringComparison.Ordinal) && key.IndexOf('.', list.Length) > 0)
            .Select(key => key[prefix.Length..key.IndexOf('.', list.Length)])
            .Distinct()
            .ToArray();
    }

    // A driver that reads files of the host says itself where it has no such choice.
    private static void SetOn(BlockDriver? driver, OptionsDictionary options, string prefix, string engine)
    {
        if (driver is not null && (driver.NeedsFileName || driver.Options.TryGet(Key, out _)))
        {
            options.SetDefault(prefix + Key, engine);
        }
    }

    // A name without a prefix is a file's. Where it stands for a block device another driver takes it, with the same option.
    private static BlockDriver? ProtocolOf(string? fileName, NodeGraph graph) =>
        fileName is null ? null
        : DriverRegistry.ProtocolPrefix(fileName) is { } prefix ? graph.Drivers.All.FirstOrDefault(known => known.ProtocolName == prefix)
        : graph.Drivers.Get("file");

    private static void ExpandPseudoFileName(OptionsDictionary options)
    {
        if (options.GetText("filename") is { } name && PseudoFileName.IsPseudoFileName(name))
        {
            options.Remove("filename");
            foreach ((string key, OptionValue value) in PseudoFileName.Parse(name).Flatten())
            {
                options.SetDefault(key, value);
            }
        }
    }
}
