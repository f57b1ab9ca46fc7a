namespace BlockGraph.BlockCore.Crypto;

/// <summary>The beginning of a volume that is being laid out, in memory: so nothing is written before all that can fail is done.</summary>
internal sealed class NewLuksArea(long lengthBytes) : ILuksArea
{
    /// <summary>Its contents.</summary>
    public byte[] Bytes { get; } = new byte[lengthBytes];

    /// <inheritdoc/>
    public long LengthBytes => Bytes.Length;

    /// <inheritdoc/>
    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        Bytes.AsMemory((int)offset, buffer.Length).CopyTo(buffer);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancel)
    {
        data.CopyTo(Bytes.AsMemory((int)offset));
        return default;
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancel) => default;
}
