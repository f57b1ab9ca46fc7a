namespace BlockGraph.BlockCore.Throttling;

/// <summary>One group of a registry, as lists show it.</summary>
/// <param name="Group">The group.</param>
/// <param name="Kind">Where it comes from.</param>
public readonly record struct ThrottleGroupEntry(ThrottleGroup Group, ThrottleGroupKind Kind);
