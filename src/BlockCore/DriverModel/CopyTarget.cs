using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>Where a copy between nodes puts its bytes.</summary>
/// <param name="Child">The edge through which they are written.</param>
/// <param name="Offset">Where in the child they begin, in bytes.</param>
public readonly record struct CopyTarget(BlockChild Child, long Offset);
