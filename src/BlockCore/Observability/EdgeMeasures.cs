using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Observability;

/// <summary>
/// What the node at the end of one edge has carried out for this edge's parent since measuring began, or since the edge leads there. Flushes are the node's alone: one serves
/// all that ask for it. <i>QEMU: none.</i>
/// </summary>
/// <param name="Edge">Which edge.</param>
/// <param name="InFlightCount">How many are under way.</param>
/// <param name="Operations">The kinds of which there were any, in the order of <see cref="Io.RequestKind"/>.</param>
public sealed record EdgeMeasures(BlockChild Edge, int InFlightCount, IReadOnlyList<OperationMeasures> Operations);
