using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit;

/// <summary>A protocol whose storage is found by the name given as <c>filename</c>. As a file name: the protocol's own name, a colon, and that.</summary>
public abstract class StorageProtocol : BlockDriver
{
    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Protocol;

    /// <inheritdoc/>
    public override string ProtocolName => Name;

    /// <inheritdoc/>
    public override bool NeedsFileName => true;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(MemoryInstance.Definitions);

    /// <inheritdoc/>
    public override string? GetExactFileName(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return $"{Name}:{node.Options.GetText("filename")}";
    }

    /// <inheritdoc/>
    public override void ParseFileName(string fileName, OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        ArgumentNullException.ThrowIfNull(options);
        options["filename"] = fileName[(Name.Length + 1)..];
    }
}
