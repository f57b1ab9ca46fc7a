using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>
/// What a driver has at hand while its node gets other options: the new ones, the old ones, and a place for what it has prepared.
/// <i>QEMU: BDRVReopenState.</i>
/// </summary>
public sealed class ReopenContext
{
    internal ReopenContext(BlockNode node, NodeSettings newSettings, OptionsDictionary askedOptions, OptionsDictionary newExplicitOptions, OptionsDictionary newOptions)
    {
        Node = node;
        NewSettings = newSettings;
        AskedOptions = askedOptions;
        NewExplicitOptions = newExplicitOptions;
        NewOptions = newOptions;
        NewIsReadOnly = newSettings.ReadOnly;
        Generation = node.Generation;
    }

    /// <summary>The node; its options, settings and edges are still the old ones.</summary>
    public BlockNode Node { get; }

    /// <summary>The generic options that the node has.</summary>
    public NodeSettings OldSettings => Node.Settings;

    /// <summary>The generic options that it gets.</summary>
    public NodeSettings NewSettings { get; }

    /// <summary>True where the node refuses writes now.</summary>
    public bool OldIsReadOnly => Node.IsReadOnly;

    /// <summary>True where it will.</summary>
    public bool NewIsReadOnly { get; private set; }

    /// <summary>Which semantics are wanted.</summary>
    public CompatibilityProfile Profile => Node.Graph.Profile;

    /// <summary>The operation that this is a part of: what has the same one takes effect together, or not at all.</summary>
    public object? Operation { get; internal set; }

    /// <summary>What the driver has prepared, for its own commit or abort; null for nothing.</summary>
    public object? State { get; set; }

    /// <summary>The options that this reopen asks for, of all those that the node will have.</summary>
    internal OptionsDictionary AskedOptions { get; }

    /// <summary>The options that the user will have given for the node.</summary>
    internal OptionsDictionary NewExplicitOptions { get; }

    /// <summary>The options that will be in effect.</summary>
    internal OptionsDictionary NewOptions { get; }

    /// <summary>The state of the node that was prepared for.</summary>
    internal int Generation { get; }

    /// <summary>True from the driver's preparing to its commit or abort.</summary>
    internal bool IsPrepared { get; set; }

    /// <summary>Reads the driver's own options as they will be.</summary>
    public OptionReader CreateReader() => new(NewOptions.Clone(), Node.Driver.Options);

    /// <summary>
    /// True where this reopen asks for the option <paramref name="name"/>; false where it is absent, or only kept as it was because the reopen is about
    /// something else: then what came of it meanwhile stays.
    /// </summary>
    public bool IsAsked(string name) => AskedOptions.ContainsKey(name);

    /// <summary>The image cannot be written: goes on read-only where the new options allow that.</summary>
    /// <exception cref="BlockException">They do not: <paramref name="reason"/>, or "Image is read-only".</exception>
    public void FallBackToReadOnly(string? reason = null)
    {
        if (NewIsReadOnly)
        {
            return;
        }

        if (!NewSettings.AutoReadOnly)
        {
            throw new BlockException(BlockErrorKind.AccessDenied, reason ?? "Image is read-only");
        }

        NewIsReadOnly = true;
    }

    /// <summary>Marks a point at which reopening may fail, for tests that fail each.</summary>
    public void Step(string name) => Node.Graph.Step(name);
}
