namespace BlockGraph.BlockCore.Io;

/// <summary>A region of memory that requests will be made from. It stays where it is.</summary>
/// <param name="Address">Where it begins.</param>
/// <param name="LengthBytes">How long it is, in bytes.</param>
public readonly record struct BufferRange(nint Address, long LengthBytes);
