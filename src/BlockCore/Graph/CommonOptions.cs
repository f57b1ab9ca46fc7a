using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Graph;

/// <summary>The options that every node takes, and how a child inherits them. <i>QEMU: bdrv_runtime_opts.</i></summary>
public static class CommonOptions
{
    /// <summary>The generic options, in the order shown to a person.</summary>
    public static OptionSchema Schema { get; } = new(
        new OptionDefinition("driver", OptionType.String, "the driver; probed from the image where absent"),
        new OptionDefinition("node-name", OptionType.String, "the node's name; made up where absent"),
        new OptionDefinition("read-only", OptionType.Boolean, "open the storage read-only") { Default = "off", IsMutable = true },
        new OptionDefinition("auto-read-only", OptionType.Boolean, "fall back to read-only where writing is not possible") { Default = "off", IsMutable = true },
        new OptionDefinition("cache.direct", OptionType.Boolean, "bypass the host's page cache (O_DIRECT)") { Default = "off", IsMutable = true },
        new OptionDefinition("cache.no-flush", OptionType.Boolean, "ignore flushes") { Default = "off", IsMutable = true },
        new OptionDefinition("discard", OptionType.Enum, "pass discards on") { Default = "ignore", IsMutable = true, AllowedValues = ["ignore", "off", "unmap", "on"] },
        new OptionDefinition("detect-zeroes", OptionType.Enum, "turn written zeros into zero writes") { Default = "off", IsMutable = true, AllowedValues = ["off", "on", "unmap"] },
        new OptionDefinition("force-share", OptionType.Boolean, "share every permission with everybody; needs read-only") { Default = "off" });

    /// <summary>Takes the generic options out of <paramref name="options"/>.</summary>
    internal static NodeSettings Read(OptionsDictionary options)
    {
        OptionReader reader = new(options, Schema);
        int discard;
        try
        {
            discard = reader.GetEnumIndex("discard");
        }
        catch (BlockException)
        {
            throw new BlockException("Invalid discard option");
        }

        NodeSettings settings = new()
        {
            CacheDirect = reader.GetBoolean("cache.direct"),
            CacheNoFlush = reader.GetBoolean("cache.no-flush"),
            ReadOnly = reader.GetBoolean("read-only"),
            AutoReadOnly = reader.GetBoolean("auto-read-only"),
            DetectZeroes = (DetectZeroesMode)reader.GetEnumIndex("detect-zeroes"),
            DiscardUnmap = discard >= 2,
            ForceShare = reader.GetBoolean("force-share"),
        };
        if (settings.DetectZeroes == DetectZeroesMode.Unmap && !settings.DiscardUnmap)
        {
            throw new BlockException("setting detect-zeroes to unmap is not allowed without setting discard operation to unmap");
        }

        return settings;
    }

    /// <summary>Refuses to write what everybody may write meanwhile. What is to be opened comes first: it may not be there.</summary>
    internal static void RefuseSharedWriting(NodeSettings settings)
    {
        if (settings.ForceShare && !settings.ReadOnly)
        {
            throw new BlockException("force-share=on can only be used with read-only images");
        }
    }

    /// <summary>Gives a child what it inherits and does not say itself.</summary>
    internal static void Inherit(NodeSettings parent, ChildRole role, OptionsDictionary child)
    {
        child.SetDefault("cache.direct", parent.CacheDirect);
        child.SetDefault("cache.no-flush", parent.CacheNoFlush);
        child.SetDefault("force-share", parent.ForceShare);
        bool isCow = (role & ChildRole.Cow) != 0;
        child.SetDefault("read-only", isCow || parent.ReadOnly);
        child.SetDefault("auto-read-only", !isCow && parent.AutoReadOnly);

        // The parent decides which discards reach the child at all.
        child.SetDefault("discard", "unmap");
    }

    /// <summary>True where a child that names no driver is opened as plain storage; otherwise its format is probed.</summary>
    internal static bool IsChildProtocol(BlockDriver parent, ChildRole role, CompatibilityProfile profile)
    {
        // A filter that stands in for a protocol belongs below the format: probing its child would put it above.
        bool isProbedFilter = parent.Category == DriverCategory.Filter && parent.ProtocolName is null;
        if (profile.ProbesFilterChild && isProbedFilter && (role & ChildRole.Filtered) != 0)
        {
            return false;
        }

        if ((role & ChildRole.Cow) != 0)
        {
            return false;
        }

        bool isFormat = parent.Category == DriverCategory.Format;
        bool isProbed = !isFormat && (role & ChildRole.Data) != 0 && (role & (ChildRole.Metadata | ChildRole.Filtered)) == 0;
        return !isProbed;
    }
}
