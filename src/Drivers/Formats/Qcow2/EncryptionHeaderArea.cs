using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>The LUKS header in the clusters that the image sets aside for it (specification: Full disk encryption header pointer).</summary>
internal sealed class EncryptionHeaderArea(BlockChild file, long hostOffset, long lengthBytes) : ILuksArea
{
    /// <inheritdoc/>
    public long LengthBytes => lengthBytes;

    /// <inheritdoc/>
    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        ThrowIfOutside(offset, buffer.Length);
        return file.ReadAsync(hostOffset + offset, buffer, RequestFlags.None, cancel);
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancel)
    {
        ThrowIfOutside(offset, data.Length);
        return file.WriteAsync(hostOffset + offset, new IoVector(MemoryMarshal.AsMemory(data)), RequestFlags.None, cancel);
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancel) => file.FlushAsync(cancel);

    private void ThrowIfOutside(long offset, long length)
    {
        if (offset < 0 || offset > lengthBytes - length)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "Request for data outside of extension header");
        }
    }
}
