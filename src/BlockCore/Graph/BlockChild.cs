using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Requests;

namespace BlockGraph.BlockCore.Graph;

/// <summary>One directed edge from a parent to a child node: the only way into a node. <i>QEMU: BdrvChild.</i></summary>
/// <remarks>
/// Parent, name and role never change. The permissions change in transactions only. A driver sends its child requests through
/// the edge's methods; they are bounded here by the child's length.
/// </remarks>
public sealed class BlockChild
{
    private RequestPlan? _plan;

    internal BlockChild(IChildParent parent, BlockNode node, string name, ChildRole role, PermissionSet permissions)
    {
        role.Validate();
        Parent = parent;
        Node = node;
        Name = name;
        Role = role;
        Permissions = permissions;
    }

    /// <summary>Who uses the child.</summary>
    public IChildParent Parent { get; }

    /// <summary>The child.</summary>
    public BlockNode Node { get; }

    /// <summary>What the parent calls the edge: <c>file</c>, <c>backing</c>, <c>root</c>.</summary>
    public string Name { get; }

    /// <summary>What the child is to the parent.</summary>
    public ChildRole Role { get; }

    /// <summary>What the parent may do to the child, and lets others do.</summary>
    public PermissionSet Permissions { get; internal set; }

    /// <summary>The child's length in bytes.</summary>
    public long LengthBytes => Node.LengthBytes;

    /// <summary>Reads; the part beyond the child's end reads as zeros.</summary>
    public ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        BlockNode node = Node;
        if (offset < 0 || node.LengthBytes - offset < buffer.Length)
        {
            return SlowRequest.ReadAcrossEndAsync(this, offset, buffer, flags, cancel);
        }

        RequestPlan plan = Plan();
        offset += plan.ShiftBytes;
        return plan.IsTransparent
            ? plan.Instance.ReadAsync(offset, buffer, flags, cancel)
            : BlockRequest.Start(null, plan, RequestKind.Read, offset, buffer, flags, cancel);
    }

    /// <summary>Writes; writing beyond the child's end needs the resize permission and makes it longer.</summary>
    public ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        BlockNode node = Node;
        if (offset < 0 || node.LengthBytes - offset < buffer.Length)
        {
            return SlowRequest.WriteAcrossEndAsync(this, offset, buffer, flags, cancel);
        }

        RequestPlan plan = Plan();
        offset += plan.ShiftBytes;
        return plan.IsTransparent
            ? plan.Instance.WriteAsync(offset, buffer, flags, cancel)
            : BlockRequest.Start(null, plan, RequestKind.Write, offset, buffer, flags, cancel);
    }

    /// <summary>Makes a range inside the child read as zeros, by the driver's own means or by writing buffers of zeros.</summary>
    public ValueTask WriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        IsInside(offset, length) ? SlowRequest.WriteZeroesAsync(this, offset, length, flags, cancel) : OutsideAsync(offset, length);

    /// <summary>Lets go of a range inside the child, where the child can.</summary>
    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancel) =>
        IsInside(offset, length) ? SlowRequest.DiscardAsync(this, offset, length, cancel) : OutsideAsync(offset, length);

    /// <summary>Makes completed writes durable, in the child and everything it writes through.</summary>
    public ValueTask FlushAsync(CancellationToken cancel) => SlowRequest.FlushAsync(Node, cancel);

    /// <summary>What is known of a range.</summary>
    public ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        StatusQuery.RunAsync(this, wanted, offset, length, cancel);

    /// <summary>The compiled path of this edge, which dies with the graph's epoch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RequestPlan Plan()
    {
        RequestPlan? plan = _plan;
        return plan is not null && plan.Epoch == Node.Graph.Epoch ? plan : CompilePlan();
    }

    /// <summary>True where the range lies inside the child.</summary>
    internal bool IsInside(long offset, long length) =>
        offset >= 0 && length >= 0 && Node.LengthBytes - offset >= length;

    private RequestPlan CompilePlan() => _plan = RequestPlan.Compile(this);

    private ValueTask OutsideAsync(long offset, long length) =>
        ValueTask.FromException(new BlockException(BlockErrorKind.InputOutput, $"The range {offset}+{length} lies outside node '{Node.Name}' of {Node.LengthBytes} bytes"));
}
