using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Backend;

/// <content>Reads that leave what they find in a backing node in the root node.</content>
public sealed partial class BlockBackend
{
    /// <summary>
    /// True where what anybody reads through the root node, and lies in a backing node, is copied into the first layer from there on that can hold it. The backend asks for the
    /// permission to write what is there already. <i>QEMU: -drive copy-on-read=on.</i>
    /// </summary>
    public bool CopiesOnRead { get; private set; }

    /// <summary>Copies on read from now on, on this medium and those to come, or no longer. Reads under way are finished before. Any thread.</summary>
    /// <exception cref="BlockException">The image is read-only, or somebody else does not share the permission; nothing has changed.</exception>
    public Task SetCopyOnReadAsync(bool isOn) =>
        Graph.MainContext.RunAsync(() => GraphChange.RunAsync(Graph, [new CopyOnReadEdit(this, isOn)], CancellationToken.None));

    /// <summary>The backend is drained where it has a medium.</summary>
    internal void SetCopiesOnRead(bool isOn)
    {
        CopiesOnRead = isOn;
        if (RootEdge is { } edge)
        {
            edge.CopiesOnRead = isOn;
        }
    }

    // A single read may ask for it, if the backend may write what is there already.
    private ValueTask SubmitCopying(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        RootEdge is { } root && (root.Permissions.Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged)) == 0
            ? ValueTask.FromException(new BlockException(BlockErrorKind.NotPermitted, $"Block node is read-only: no copy on read through '{root.Node.Name}'"))
            : Submit(RequestKind.Read, offset, buffer, flags, cancel);
}
