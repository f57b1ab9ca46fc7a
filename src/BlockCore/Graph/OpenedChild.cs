namespace BlockGraph.BlockCore.Graph;

/// <summary>A child that was found or opened, with a reference that the receiver owns.</summary>
/// <param name="Node">The node.</param>
/// <param name="IsInline">True where the parent's options spelt it out, so that it inherits from the parent.</param>
internal readonly record struct OpenedChild(BlockNode Node, bool IsInline);
