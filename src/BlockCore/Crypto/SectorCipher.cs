using System.Security.Cryptography;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>
/// Encrypts and decrypts whole sectors, each by itself and by its number. Any thread, several at once; nothing is allocated in the steady state.
/// Dispose wipes the keys, and nobody uses it then. <i>QEMU: QCryptoBlock's cipher and IV generator.</i>
/// </summary>
public abstract class SectorCipher : IDisposable
{
    /// <summary>The size of a sector, in bytes: LUKS1 and qcow2 know no other.</summary>
    public const int SectorBytes = 512;

    /// <summary>How many sectors a mode works on at once: as many as fit a small piece of the stack.</summary>
    private protected const int BatchSectors = 8;

    /// <summary>The cipher of legacy qcow2 images (AES-128-CBC, IV the sector's number): the passphrase itself is the key, cut or filled with zeros to 16 bytes.</summary>
    public static SectorCipher CreateLegacy(ReadOnlySpan<byte> passphrase)
    {
        Span<byte> key = stackalloc byte[AesBlocks.BlockBytes];
        key.Clear();
        passphrase[..Math.Min(passphrase.Length, key.Length)].CopyTo(key);
        try
        {
            return new CbcCipher(AesBlocks.Create(key), new PlainIv(hasAllBits: true));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>Encrypts whole sectors. The spans are equally long, and the same memory or apart.</summary>
    /// <param name="firstSector">The first one's number.</param>
    /// <param name="source">What is to be encrypted.</param>
    /// <param name="destination">Where it goes.</param>
    public void Encrypt(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Check(firstSector, source, destination);
        for (int done = 0; done < source.Length; done += BatchSectors * SectorBytes)
        {
            int length = Math.Min(BatchSectors * SectorBytes, source.Length - done);
            EncryptBatch(firstSector + (done / SectorBytes), source.Slice(done, length), destination.Slice(done, length));
        }
    }

    /// <summary>Decrypts whole sectors. The spans are equally long, and the same memory or apart.</summary>
    /// <param name="firstSector">The first one's number.</param>
    /// <param name="source">What is to be decrypted.</param>
    /// <param name="destination">Where it goes.</param>
    public void Decrypt(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Check(firstSector, source, destination);
        for (int done = 0; done < source.Length; done += BatchSectors * SectorBytes)
        {
            int length = Math.Min(BatchSectors * SectorBytes, source.Length - done);
            DecryptBatch(firstSector + (done / SectorBytes), source.Slice(done, length), destination.Slice(done, length));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Encrypts at most <see cref="BatchSectors"/> sectors.</summary>
    private protected abstract void EncryptBatch(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination);

    /// <summary>Decrypts at most <see cref="BatchSectors"/> sectors.</summary>
    private protected abstract void DecryptBatch(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination);

    /// <summary>Wipes the keys.</summary>
    protected abstract void Dispose(bool isDisposing);

    private static void Check(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Invariant.Check(firstSector >= 0 && source.Length % SectorBytes == 0 && destination.Length == source.Length);
        Invariant.Check(!source.Overlaps(destination, out int shift) || shift == 0);
    }
}
