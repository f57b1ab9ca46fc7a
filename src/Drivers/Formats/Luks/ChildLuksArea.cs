using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Luks;

/// <summary>The header of an image in the node that it lies in, from its beginning on.</summary>
internal sealed class ChildLuksArea(BlockChild child) : ILuksArea
{
    /// <inheritdoc/>
    public long LengthBytes => child.LengthBytes;

    /// <inheritdoc/>
    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel) => child.ReadAsync(offset, new IoVector(buffer), RequestFlags.None, cancel);

    /// <inheritdoc/>
    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancel) =>
        child.WriteAsync(offset, new IoVector(MemoryMarshal.AsMemory(data)), RequestFlags.None, cancel);

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancel) => child.FlushAsync(cancel);
}
