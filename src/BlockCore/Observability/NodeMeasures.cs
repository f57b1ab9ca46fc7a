using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Observability;

/// <summary>What one node has carried out since measuring began: calls of its driver, after padding and splitting. <i>QEMU: none.</i></summary>
/// <param name="Node">Which node.</param>
/// <param name="InFlightCount">How many are under way.</param>
/// <param name="Operations">The kinds of which there were any, in the order of <see cref="Io.RequestKind"/>.</param>
public sealed record NodeMeasures(BlockNode Node, int InFlightCount, IReadOnlyList<OperationMeasures> Operations);
