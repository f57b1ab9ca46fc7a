using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>One node that a job asks for. <i>QEMU: block_job_add_bdrv().</i></summary>
/// <param name="Node">The node.</param>
/// <param name="Name">What the job calls its edge to it: <c>main node</c>, <c>source</c>, <c>target</c>, <c>intermediate node</c>, <c>base</c>.</param>
/// <param name="Permissions">What the job does to the node, and what others may do to it meanwhile.</param>
public readonly record struct JobNode(BlockNode Node, string Name, PermissionSet Permissions);
