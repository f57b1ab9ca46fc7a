using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>The file below a new image, open for its format to lay the image out in it. Dispose closes it, durably. Control plane.</summary>
public abstract class CreatedFile : IAsyncDisposable
{
    /// <summary>The length, in bytes.</summary>
    public abstract long LengthBytes { get; }

    /// <summary>Reads at <paramref name="offset"/>; zeros behind the end.</summary>
    public abstract Task ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel);

    /// <summary>Writes at <paramref name="offset"/>; the file grows as far as needed.</summary>
    public abstract Task WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancel);

    /// <summary>Gives the file another length.</summary>
    public abstract Task SetLengthAsync(long lengthBytes, PreallocationMode preallocation, CancellationToken cancel);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
