namespace BlockGraph.BlockCore.Graph;

/// <summary>A child that a node is opened with though its options do not name it.</summary>
/// <param name="Name">What the new node calls it.</param>
/// <param name="Node">The child.</param>
internal sealed record GivenChild(string Name, BlockNode Node);
