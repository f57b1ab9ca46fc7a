using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Images;

/// <summary>A range of an image that is alike all over. <i>QEMU: MapEntry.</i></summary>
/// <param name="OffsetBytes">Where it begins, in bytes.</param>
/// <param name="LengthBytes">How long it is.</param>
/// <param name="Depth">In which layer of the chain it lies: 0 is the top.</param>
/// <param name="IsPresent">It is allocated in a layer of the chain.</param>
/// <param name="IsZero">It reads as zeros.</param>
/// <param name="IsData">It is stored.</param>
/// <param name="HostOffsetBytes">Where it lies in <paramref name="HostNode"/>, in bytes; null where it is nowhere as it is.</param>
/// <param name="HostNode">The node that it lies in; null where none is known.</param>
public readonly record struct ImageExtent(
    long OffsetBytes, long LengthBytes, int Depth, bool IsPresent, bool IsZero, bool IsData, long? HostOffsetBytes, BlockNode? HostNode)
{
    /// <summary>Its end, in bytes.</summary>
    public long EndBytes => OffsetBytes + LengthBytes;

    /// <summary>This with <paramref name="next"/> behind it, where the two are alike and lie together; otherwise null.</summary>
    public ImageExtent? Join(ImageExtent next)
    {
        bool isAlike = EndBytes == next.OffsetBytes && (Depth, IsPresent, IsZero, IsData) == (next.Depth, next.IsPresent, next.IsZero, next.IsData) && ReferenceEquals(HostNode, next.HostNode);
        bool isTogether = HostOffsetBytes is { } host ? next.HostOffsetBytes == host + LengthBytes : next.HostOffsetBytes is null;
        return isAlike && isTogether ? this with { LengthBytes = LengthBytes + next.LengthBytes } : null;
    }
}
