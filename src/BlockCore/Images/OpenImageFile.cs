using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Images;

/// <summary>The file below a new image, open through the graph.</summary>
internal sealed class OpenImageFile(BlockBackend backend) : CreatedFile
{
    /// <inheritdoc/>
    public override long LengthBytes => backend.LengthBytes;

    /// <inheritdoc/>
    public override async Task ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        int length = (int)Math.Clamp(backend.LengthBytes - offset, 0, buffer.Length);
        buffer.Span[length..].Clear();
        await backend.ReadAsync(offset, new IoVector(buffer[..length]), RequestFlags.None, cancel);
    }

    /// <inheritdoc/>
    public override async Task WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancel)
    {
        long end = checked(offset + data.Length);
        if (end > backend.LengthBytes)
        {
            await backend.TruncateAsync(end, cancel: cancel);
        }

        await backend.WriteAsync(offset, new IoVector(MemoryMarshal.AsMemory(data)), RequestFlags.None, cancel);
    }

    /// <inheritdoc/>
    public override Task SetLengthAsync(long lengthBytes, PreallocationMode preallocation, CancellationToken cancel) =>
        backend.TruncateAsync(lengthBytes, isExact: true, preallocation, cancel);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await backend.FlushAsync();
        await backend.DisposeAsync();
    }
}
