using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>Where a copy between nodes takes its bytes: the layer that holds them, at the end of the way down from the copy's source.</summary>
/// <param name="Node">The layer. It is read meanwhile, and stays open.</param>
/// <param name="Offset">Where in it they begin, in bytes.</param>
public readonly record struct CopySource(BlockNode Node, long Offset);
