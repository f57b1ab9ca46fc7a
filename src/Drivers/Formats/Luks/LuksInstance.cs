using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Luks;

/// <summary>One encrypted image: its file's bytes from the payload's offset on, decrypted sector by sector.</summary>
/// <remarks>
/// What is read is decrypted where it was read to; what is written is encrypted into a buffer of the image's own, for the guest's is not to be changed.
/// Nothing is known of what was never written: it reads as what the file has there, decrypted.
/// </remarks>
internal sealed partial class LuksInstance : BlockDriverInstance
{
    private const int SectorBytes = SectorCipher.SectorBytes;

    // A page of most machines: enough for files that bypass their cache.
    private const int MemoryAlignmentBytes = 4096;

    private readonly BlockChild _file;
    private readonly LuksVolume _volume;
    private readonly long _payloadOffset;
    private readonly AlignedBufferPool _buffers = new(MemoryAlignmentBytes);
    private readonly LuksRequestPool _requests = new();
    private SectorCipher? _cipher;

    public LuksInstance(BlockChild file, LuksVolume volume)
    {
        _file = file;
        _volume = volume;
        _payloadOffset = volume.PayloadOffset;
    }

    /// <summary>The secret that opens the image; null for none.</summary>
    public required string? SecretId { get; init; }

    /// <inheritdoc/>
    public override BlockLimits Limits { get; } = new() { RequestAlignmentBytes = SectorBytes, TransferBytesMax = AlignedBufferPool.KeptBytesMax };

    /// <summary>The cipher and the buffers serve any thread.</summary>
    public override RequestAffinity Affinity => RequestAffinity.AnyContext;

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.WriteUnchanged | (_file.Node.Instance.SupportedWriteFlags & RequestFlags.Fua);

    /// <summary>Zeros are encrypted like anything else.</summary>
    public override bool IsZeroWhenNew => false;

    /// <summary>What an image grows by is anything.</summary>
    public override RequestFlags SupportedLengthFlags => RequestFlags.None;

    // What is left of a sector at the file's end is none.
    /// <inheritdoc/>
    protected override long GetLengthBytes() => (_file.LengthBytes - _payloadOffset) / SectorBytes * SectorBytes;

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        if (_cipher is null)
        {
            return ValueTask.FromException(NoKey());
        }

        ValueTask read = _file.ReadAsync(offset + _payloadOffset, buffer, flags, cancel);
        if (!read.IsCompleted)
        {
            return _requests.Rent(AioContext.Current!).ReadAsync(this, read, offset, buffer);
        }

        if (read.IsCompletedSuccessfully)
        {
            Decrypt(offset, buffer);
        }

        return read;
    }

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        if (_cipher is null)
        {
            return ValueTask.FromException(NoKey());
        }

        Memory<byte> rented = _buffers.Rent(buffer.Length);
        ValueTask write;
        try
        {
            Memory<byte> encrypted = rented[..buffer.Length];
            Encrypt(offset, buffer, encrypted.Span);
            write = _file.WriteAsync(offset + _payloadOffset, new IoVector(encrypted), flags & ~RequestFlags.RegisteredBuffer, cancel);
        }
        catch
        {
            GiveBack(rented);
            throw;
        }

        if (!write.IsCompleted)
        {
            return _requests.Rent(AioContext.Current!).WriteAsync(this, write, rented);
        }

        GiveBack(rented);
        return write;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        if (lengthBytes > BlockLimits.LengthBytesMax - _payloadOffset - SectorBytes)
        {
            throw new BlockException(BlockErrorKind.TooLarge, "The requested file size is too large");
        }

        long sectors = (lengthBytes + SectorBytes - 1) / SectorBytes;
        await _file.WriteLengthAsync((sectors * SectorBytes) + _payloadOffset, isExact, preallocation, flags, cancel);
        return true;
    }

    /// <summary>Takes a buffer of a write back.</summary>
    internal void GiveBack(Memory<byte> rented) => _buffers.Return(rented);

    /// <summary>Decrypts what was read at <paramref name="offset"/>, in place.</summary>
    internal void Decrypt(long offset, IoVector buffer)
    {
        if (!HasWholeSectors(buffer))
        {
            DecryptAside(offset, buffer);
            return;
        }

        long sector = offset / SectorBytes;
        foreach (Memory<byte> segment in buffer)
        {
            _cipher!.Decrypt(sector, segment.Span, segment.Span);
            sector += segment.Length / SectorBytes;
        }
    }

    private void Encrypt(long offset, IoVector buffer, Span<byte> encrypted)
    {
        if (buffer.TryGetSingle(out Memory<byte> single))
        {
            _cipher!.Encrypt(offset / SectorBytes, single.Span, encrypted);
            return;
        }

        buffer.CopyTo(encrypted);
        _cipher!.Encrypt(offset / SectorBytes, encrypted, encrypted);
    }

    // A sector lies in two pieces of memory.
    private void DecryptAside(long offset, IoVector buffer)
    {
        Memory<byte> rented = _buffers.Rent(buffer.Length);
        Span<byte> whole = rented.Span[..buffer.Length];
        buffer.CopyTo(whole);
        _cipher!.Decrypt(offset / SectorBytes, whole, whole);
        buffer.CopyFrom(whole);

        // Nothing that was decrypted stays but where it was asked for.
        whole.Clear();
        _buffers.Return(rented);
    }

    private static bool HasWholeSectors(IoVector buffer)
    {
        foreach (Memory<byte> segment in buffer)
        {
            if (segment.Length % SectorBytes != 0)
            {
                return false;
            }
        }

        return true;
    }

    private BlockException NoKey() => new(BlockErrorKind.NotPermitted, $"Node '{Node.Name}' was opened to be looked at: it has no key");
}
