namespace BlockGraph.BlockCore.Crypto;

/// <summary>Where a LUKS header lies: the beginning of a file, or a piece of another format's image. Offsets count from the header's first byte. Control plane.</summary>
public interface ILuksArea
{
    /// <summary>How long it is, in bytes; where the encrypted data follow the header, with them.</summary>
    long LengthBytes { get; }

    /// <summary>Reads exactly the buffer's length, which lies inside the area.</summary>
    ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel);

    /// <summary>Writes inside the area.</summary>
    ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancel);

    /// <summary>Makes what has been written durable, before anything that is written later.</summary>
    ValueTask FlushAsync(CancellationToken cancel);
}
