using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>
/// AES under one key, over whole blocks of 16 bytes, each on its own (ECB): what the modes of <see cref="SectorCipher"/> are made of. Any thread,
/// several at once; nothing is allocated in the steady state. Dispose wipes the key; nobody uses it then.
/// </summary>
internal abstract class AesBlocks : IDisposable
{
    /// <summary>The size of a block.</summary>
    public const int BlockBytes = 16;

    /// <summary>How many blocks are worth a call: the modes collect as many.</summary>
    public const int BatchBlocks = 256;

    /// <summary>AES under <paramref name="key"/> of 16, 24 or 32 bytes: the processor's instructions where it has them, the platform's library elsewhere.</summary>
    public static AesBlocks Create(ReadOnlySpan<byte> key)
    {
        Invariant.Check(key.Length is 16 or 24 or 32);
        return ProcessorAesBlocks.IsSupported ? new ProcessorAesBlocks(key) : new PlatformAesBlocks(key);
    }

    /// <summary>Encrypts whole blocks. The spans are equally long, and the same memory or apart.</summary>
    public abstract void Encrypt(ReadOnlySpan<byte> source, Span<byte> destination);

    /// <summary>Decrypts whole blocks. The spans are equally long, and the same memory or apart.</summary>
    public abstract void Decrypt(ReadOnlySpan<byte> source, Span<byte> destination);

    /// <inheritdoc/>
    public abstract void Dispose();
}
